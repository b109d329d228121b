"""The runs that the pictures show. Rule: one policy, one workload, seed 1; noted is what a picture needs."""

import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILIES
from gateway.catalog.policy_compiler import service_level
from gateway.commands.difficulty_examples import Example
from gateway.config import Config, load
from gateway.simulate.generate import draw
from gateway.simulate.results import Tally
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulated_request import Attempt
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Arrival, Trace
from gateway.simulate.upstream_models import OwnReplica
from gateway.simulate.workload_spec import Spec
from policies.vocabulary.types import Request, Usage

POOL = """
deployments:
  gpu: {provider: embedded, model: m, replicas: 4}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 0.2, output: 0.8}}
  old: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:8/v1", weight: 9}
  new: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:7/v1", weight: 1}
  cheap: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:6/v1", price: {input: 0.15, output: 0.6}}
  strong: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:5/v1", price: {input: 2.5, output: 10}}
models:
  own: {deployments: [gpu], policy: order}
  both: {deployments: [gpu, cloud], policy: order}
  day: {deployments: [[gpu, cloud]], policy: order}
  moving: {deployments: [[old, new]], policy: order}
  two: {deployments: [[cheap, strong]], policy: order}
policies:
  in_time: {kind: slo_cost, slo: {ttft: 1s, per_1k_tokens: 100ms, tpot: 100ms}}
"""
EVERY = 5.0  # seconds between looks at the pool


class Watched(Simulation):
    """``answers``: when each came, and which deployment gave it. By moment: requests at each replica, USD spent."""

    def __init__(self, config: Config, policy: str, trace: Trace, options: Options) -> None:
        super().__init__(config, policy, trace, options, 1)
        self.tally = Tally(service_level(config, "in_time"))
        self.answers: list[tuple[float, str]] = []
        self.under_way: list[tuple[float, list[int]]] = []
        self.spent: list[tuple[float, float]] = []
        self.agenda.at(0.0, self._note, None)

    def answered(self, attempt: Attempt, usage: Usage, now: float) -> None:
        self.answers.append((attempt.journey.came, attempt.candidate.id[0]))
        super().answered(attempt, usage, now)

    def _note(self, now: float, _: object) -> None:
        replicas = [id for id, place in self.places.items() if isinstance(place, OwnReplica)]
        self.under_way.append((now, [self.live.loads[id].in_flight for id in replicas]))
        self.spent.append((now, self.tally.cloud_usd))
        if now < self.trace.arrivals[-1].at:
            self.agenda.at(now + EVERY, self._note, None)


class Worded(Watched):
    """Requests that have words, which the gateway's own judge reads. ``strong``: of each hard one, by its arrival,
    whether the strong model answered."""

    def __init__(self, config: Config, policy: str, trace: Trace, words: Sequence[Example]) -> None:
        super().__init__(config, policy, trace, Options(model="two"))
        self._said: Mapping[float, Example] = dict(zip((each.at for each in trace.arrivals), words, strict=True))

    def request(self, arrival: Arrival, number: int) -> Request:
        said = msgspec.json.encode({"messages": [{"role": "user", "content": self._said[arrival.at].text}]})
        return self.live.judged(super().request(arrival, number), Facts(FAMILIES[0], said), self.model)

    def hard_ones(self) -> list[bool]:
        """Of each hard prompt: whether the strong model answered."""
        return [where == "strong" for at, where in self.answers if self._said[at].hard]


@cache
def config(more: str = "") -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_text(POOL + more)
        return load(path, {})


def trace(name: str, spec: Spec, **befalls: object) -> Trace:
    return Trace(name, draw(spec, 1), spec.block, **befalls)  # type: ignore[arg-type]


_MADE: dict[tuple[str, str, str, int], Watched] = {}


def played(policy: str, work: Trace, model: str = "own", replicas: int = 4) -> Watched:
    """The run, made once."""
    key = policy, work.name, model, replicas
    if key not in _MADE:
        name = "in_time" if policy == "slo_cost" else policy
        _MADE[key] = Watched(config(), name, work, Options(model=model, replicas=replicas))
        _MADE[key].run(lambda arrived: None)
    return _MADE[key]


def asked(share: float, work: Trace, words: Sequence[Example]) -> Worded:
    """`quality` that wants so many strong calls."""
    policy = f"  sparing: {{kind: quality, difficulty: {{strong: [strong], share: {share:.0%}}}}}\n"
    made = Worded(config(policy), "sparing", work, words)
    made.run(lambda arrived: None)
    return made
