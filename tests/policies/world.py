"""A small world to decide in: places, tiers and models as data, and a clock that is a number."""

from collections.abc import Iterable
from typing import Any

import msgspec

from policies.attempts.machine import Action, GiveUp, Machine, Start
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate, Pool
from policies.load.load import Domain, Load
from policies.load.retry_budget import RetryBudget
from policies.selection.model import Model, Snapshot
from policies.selection.presets import preset
from policies.selection.profile import Policy
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.failure import Failure, Fault, Progress
from policies.vocabulary.hashing import digest
from policies.vocabulary.limits import RetryRules, Timeouts
from policies.vocabulary.types import Deployment, Request

NOW = 1000.0
DEADLINE = NOW + 600
CHAT = frozenset({"chat"})


def place(
    name: str,
    url: str = "",
    *,
    domain: Domain | None = None,
    limit: int | None = None,
    pool: Pool | None = None,
    **more: Any,
) -> Candidate:
    """One endpoint; a quota domain and a pool of its own unless given, and ``more`` of its deployment."""
    deployment = Deployment(name, "vllm", "m", CHAT, limit, **more)
    id = (name, url or f"http://{name}")
    return Candidate(id, deployment, Load(BreakerRules()), domain or quota(), pool or Pool(), digest(*id))


def pool(name: str, size: int, **more: Any) -> list[Candidate]:
    """A deployment of several endpoints, each a quota domain."""
    shared = Pool()
    return [place(name, f"http://{name}-{n}", pool=shared, **more) for n in range(size)]


def quota() -> Domain:
    return Domain(RetryBudget(), "credential")


def policy(kind: str) -> Policy:
    found = preset(kind)
    assert found is not None
    return found


def model(name: str, *tiers: Iterable[Candidate], kind: str = "order", **fallbacks: tuple[str, ...]) -> Model:
    held = tuple(tuple(tier) for tier in tiers)
    return Model(name, held, policy(kind), {c.id[0]: Timeouts() for tier in held for c in tier}, 600.0, **fallbacks)


def ask(seed: int = 0, sequence: int = 0, name: str = "m", **more: Any) -> Request:
    return msgspec.structs.replace(Request("chat", name, False, 10, NOW, seed, sequence), **more)


def world(*models: Model, now: float = NOW) -> Snapshot:
    return Snapshot(now, {each.name: each for each in models})


def machine(asked: Model, rules: RetryRules | None = None, seed: int = 0, deadline: float = DEADLINE) -> Machine:
    return Machine(ask(seed, name=asked.name), asked, rules or RetryRules(), deadline)


def fault(failure: Failure, retry_after: float | None = None, *, credential: bool = False) -> Fault:
    return Fault(failure, failure.name, retry_after, credential)


def trip(candidate: Candidate, now: float = NOW) -> None:
    candidate.load.breaker("chat").trip(now, now)


def scraped(candidate: Candidate, running: float | None, waiting: float | None, at: float = NOW) -> None:
    candidate.load.scraped = EngineLoad(running=running, waiting=waiting)
    candidate.load.scraped_at = at
    candidate.load.own_at_scrape = candidate.load.in_flight


def fail(run: Machine, failure: Failure | Fault, seen: Snapshot, progress: Progress = Progress.UNCOMMITTED) -> Action:
    return run.failed(failure if isinstance(failure, Fault) else fault(failure), progress, seen)


def chosen(action: Action) -> Candidate:
    assert isinstance(action, Start), action
    return action.candidate


def given_up(action: Action) -> Failure:
    assert isinstance(action, GiveUp), action
    return action.fault.failure


def started(asked: Model, *others: Model, rules: RetryRules | None = None, seed: int = 0) -> tuple[Machine, Snapshot]:
    run, seen = machine(asked, rules, seed), world(asked, *others)
    assert isinstance(run.start(seen), Start)
    return run, seen
