"""Recorded decisions: where one is wanted, the plan is run again in the same tick."""

from collections import deque
from collections.abc import Mapping

import msgspec

from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.catalog.keys import Key
from policies.attempts.outcome import Outcome
from policies.selection.explain import Considered, Decision, explain
from policies.selection.model import Model, Snapshot
from policies.vocabulary.types import Request

KEPT = 256  # recent decisions
SHOWN = 8  # candidates in a header, which must stay short enough for any client


class Actual(msgspec.Struct, frozen=True):
    """What became of it; seconds. ``first_token``: from the request's arrival; ``per_token``: each further one;
    None: not yet, or never."""

    status: int
    deployment: str
    endpoint: str
    attempts: int
    failure: str | None
    first_token: float | None
    duration: float | None
    per_token: float | None
    prompt_tokens: int
    completion_tokens: int


class Record(msgspec.Struct, frozen=True):
    """A decision and what came of it. ``time``: seconds since the epoch."""

    id: str
    time: float
    route: str
    decision: Decision
    actual: Actual


class Decisions:
    """The recent ones, newest last."""

    def __init__(self) -> None:
        self._ring: deque[tuple[float, Decision, Outcome]] = deque(maxlen=KEPT)

    def note(
        self,
        request: Request,
        model: Model,
        snapshot: Snapshot,
        outcome: Outcome,
        key: Key,
        given: Mapping[bytes, bytes],
        catalog: Catalog,
    ) -> None:
        """Record the decision about to be taken, where its client asks for it and may, or the draw says so."""
        wanted = key.explain and given.get(b"x-cloverleaf-explain") == b"1"
        if not wanted and request.seed >= catalog.config.telemetry.decisions * 2**64:
            return
        outcome.explained = decision = explain(request, model, snapshot)
        self._ring.append((clock.wall(), decision, outcome))
        if wanted:
            outcome.decision = header(decision)

    def recent(self) -> list[Record]:
        return [_record(*each) for each in self._ring]

    def outcomes(self) -> set[int]:
        """The identities of the outcomes whose decision is here."""
        return {id(outcome) for _, _, outcome in self._ring}

    def ended(self) -> list[tuple[Record, Outcome]]:
        """Those whose request is over, newest first."""
        return [(_record(*each), each[2]) for each in reversed(self._ring) if each[2].finished]

    def of(self, outcome: Outcome) -> Record | None:
        return next((_record(*each) for each in self._ring if each[2] is outcome), None)


def header(decision: Decision) -> bytes:
    """The decision in one line: the chosen candidate and the best of the others."""

    def rank(row: Considered) -> tuple[bool, float]:
        return (not row.chosen, -(row.score or 0.0))

    rows = tuple(sorted(decision.considered, key=rank)[:SHOWN])
    return msgspec.json.encode(msgspec.structs.replace(decision, considered=rows))


def _record(time: float, decision: Decision, outcome: Outcome) -> Record:
    return Record(outcome.id.decode("latin-1"), time, outcome.route, decision, _actual(outcome))


def _actual(outcome: Outcome) -> Actual:
    return Actual(
        status=outcome.status,
        deployment=outcome.deployment,
        endpoint=outcome.endpoint,
        attempts=outcome.attempts,
        failure=outcome.fault.failure.name if outcome.fault is not None else None,
        first_token=outcome.first_token - outcome.received if outcome.first_token else None,
        duration=outcome.finished - outcome.received if outcome.finished else None,
        per_token=outcome.pace if outcome.finished else None,
        prompt_tokens=outcome.usage.prompt,
        completion_tokens=outcome.usage.completion,
    )
