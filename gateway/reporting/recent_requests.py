"""Recent requests as the log records them, with their attempts and, where recorded, their decisions."""

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILIES
from gateway import clock
from gateway.catalog.keys import LOCAL
from gateway.ledger.entry import row
from gateway.proxy import model_resolution as asking
from gateway.proxy.context import Gateway
from gateway.proxy.decisions import Record
from gateway.recording.log import RequestLine, request_line
from gateway.reporting.traffic_stats import newer
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.selection.explain import Decision, explain
from policies.selection.model import Snapshot
from policies.vocabulary.types import Request

WORDLESS = Facts(FAMILIES[0], b"{}")  # of a body that was not kept


class Recent(msgspec.Struct, frozen=True):
    """``cost``: USD, None where it is not known. ``decided``: its decision was recorded."""

    request: RequestLine
    cost: float | None
    decided: bool


class Tried(msgspec.Struct, frozen=True):
    """An attempt: why it was made, how it ended, and when it began and how long it took in seconds of its request."""

    deployment: str
    endpoint: str
    reason: str
    end: str
    began: float
    took: float


class Opened(msgspec.Struct, frozen=True):
    """One request, and why it went where it did. ``again``: where one like it would go now, if that was asked."""

    recent: Recent
    tries: list[Tried]
    decision: Record | None
    again: Decision | None = None


def newest(gateway: Gateway, most: int, since: float = 0.0) -> list[Recent]:
    """The newest first, of those that ended after ``since`` (monotonic seconds)."""
    decided = gateway.decisions.outcomes()
    found = newer(gateway.recent, since, most)
    return [_recent(gateway, outcome, id(outcome) in decided) for outcome in found]


def opened(gateway: Gateway, id: str, again: bool = False) -> Opened | None:
    """The newest request of that id; None: it is not among the recent ones."""
    wanted = id.encode("latin-1", "replace")
    outcome = next((each for each in reversed(gateway.recent) if each.id == wanted), None)
    if outcome is None:
        return None
    return _opened(gateway, outcome, gateway.decisions.of(outcome), _again(gateway, outcome) if again else None)


def _tried(each: AttemptRecord, since: float) -> Tried:
    return Tried(
        deployment=each.deployment,
        endpoint=each.endpoint,
        reason=each.reason,
        end=each.end or "ok",
        began=each.began - since,
        took=each.ended - each.began,
    )


def _again(gateway: Gateway, outcome: Outcome) -> Decision | None:
    """Where a request of the same model and size would go now. Its words are not kept, so what a policy reads from them
    (a prefix, tools, a conversation, how hard it is) is not in it."""
    catalog, now = gateway.catalog, clock.now()
    model = catalog.models.get(outcome.model)
    if model is None:
        return None
    tokens = outcome.usage.prompt or 1
    request = Request(
        family=outcome.family,
        model=model.name,
        stream=outcome.stream,
        prompt_tokens=tokens,
        received=now,
        seed=clock.seed(),
    )
    if needs := model.needs - {"difficulty"}:  # a judged prompt moves its model's threshold
        request = asking.filled(request, WORDLESS, msgspec.structs.replace(model, needs=needs), LOCAL, {}, gateway.live)
    return explain(request, model, Snapshot(now, catalog.models, gateway.tiers))


def explained(gateway: Gateway, most: int) -> list[Opened]:
    """The newest first, of those whose decision was recorded."""
    return [_opened(gateway, outcome, record) for record, outcome in gateway.decisions.ended()[:most]]


def _opened(gateway: Gateway, outcome: Outcome, record: Record | None, again: Decision | None = None) -> Opened:
    tries = [_tried(each, outcome.received) for each in outcome.all_attempts()]
    return Opened(_recent(gateway, outcome, record is not None), tries, record, again)


def _recent(gateway: Gateway, outcome: Outcome, decided: bool) -> Recent:
    ended = clock.wall() - clock.now() + outcome.finished
    cost = row(ended, outcome, gateway.catalog.price(outcome.deployment)).cost
    return Recent(request_line(round(ended, 3), outcome), cost, decided)
