"""Findings of a ledger: where the money went, which endpoints make the latency tail, which policy would have saved
most.
"""

from collections.abc import Callable, Iterable

import msgspec

from gateway.config import Config
from gateway.history.past_request import History, PastRequest
from gateway.report.replay_windows import Bounds, Trial, Window, play, saving
from gateway.simulate.simulated_pool import Options
from policies.vocabulary.quantile import quantile

CANDIDATES = ("order", "least_busy", "peak_ewma", "prefix", "lowest_cost", "slo_cost")
FEW = 20  # streamed answers of an endpoint below which its tail says nothing
SLOW = 0.95  # of all answers are quicker than the slow ones


class Tail(msgspec.Struct, frozen=True):
    """One endpoint's streamed answers. ``slow``: its part of the slowest twentieth of all, where an endpoint like the
    others would have ``share``. Seconds to the first token, by quantile."""

    deployment: str
    endpoint: str
    answers: int
    failed: int
    share: float
    slow: float
    p50: float | None
    p95: float | None


class Change(msgspec.Struct, frozen=True):
    """One policy in place of that in force. ``saves``: USD an hour; ``in_time``: its share within the service level,
    and ``now`` that of the policy in force, both simulated."""

    model: str
    policy: str
    saves: Bounds
    in_time: Bounds
    now: Bounds

    @property
    def worth_it(self) -> bool:
        """It saves for certain, and nobody is served later for certain."""
        return self.saves.low > 0 and self.in_time.high >= self.now.low


def tails(requests: Iterable[PastRequest]) -> list[Tail]:
    """Who drags the tail, the worst first: endpoints whose part of the slow answers is larger than of all."""
    by_endpoint: dict[tuple[str, str], list[float]] = {}
    failed: dict[tuple[str, str], int] = {}
    for each in requests:
        id = (each.deployment, each.endpoint)
        if each.failed:
            failed[id] = failed.get(id, 0) + 1
        elif each.first is not None:
            by_endpoint.setdefault(id, []).append(each.first)
    firsts = sorted(first for found in by_endpoint.values() for first in found)
    limit = quantile(firsts, SLOW)
    if limit is None:
        return []
    slow = sum(first > limit for first in firsts) or 1
    made = []
    for id, found in by_endpoint.items():
        ordered = sorted(found)
        made.append(
            Tail(
                deployment=id[0],
                endpoint=id[1],
                answers=len(found),
                failed=failed.get(id, 0),
                share=len(found) / len(firsts),
                slow=sum(first > limit for first in ordered) / slow,
                p50=quantile(ordered, 0.5),
                p95=quantile(ordered, 0.95),
            )
        )
    return sorted(made, key=lambda tail: tail.slow / tail.share if tail.answers >= FEW else 0.0, reverse=True)


def changes(
    config: Config,
    model: str,
    history: History,
    cut: list[Window],
    options: Options,
    seed: int,
    done: Callable[[str, int], None],
) -> list[Change]:
    """Every candidate against the policy in force, the one that saves most first."""
    current = config.models[model].policy
    named = [name for name, spec in config.policies.items() if spec.kind == "slo_cost"]
    others = [name for name in (*CANDIDATES, *named) if name != current and not (named and name == "slo_cost")]
    options = msgspec.structs.replace(options, model=model)

    def played(policy: str) -> Trial:
        return play(config, policy, cut, options, seed, lambda count: done(f"{model}: {policy}", count))

    before = played(current)
    now = before.share(before.good, seed)
    made = []
    for policy in others:
        after = played(policy)
        made.append(
            Change(
                model=model,
                policy=policy,
                saves=saving(before, after, seed),
                in_time=after.share(after.good, seed),
                now=now,
            )
        )
    return sorted(made, key=lambda change: (change.worth_it, change.saves.value), reverse=True)
