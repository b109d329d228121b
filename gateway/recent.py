"""Recent requests. Rule: what became of each, as the log says it; and its decision, where one was recorded."""

import msgspec

from gateway import clock
from gateway.decisions import Record
from gateway.gateway import Gateway
from gateway.ledger.row import row
from gateway.log import RequestLine, request_line
from policies.types import Outcome


class Recent(msgspec.Struct, frozen=True):
    """``cost``: USD, None where it is not known. ``decided``: its decision was recorded."""

    request: RequestLine
    cost: float | None
    decided: bool


class Opened(msgspec.Struct, frozen=True):
    """One request, and why it went where it did."""

    recent: Recent
    decision: Record | None


def newest(gateway: Gateway, most: int, since: float = 0.0) -> list[Recent]:
    """The newest first, of those that ended after ``since`` (monotonic seconds)."""
    decided = gateway.decisions.outcomes()
    found = gateway.traffic.newer(since, most)
    return [_recent(gateway, outcome, id(outcome) in decided) for outcome in found]


def opened(gateway: Gateway, id: str) -> Opened | None:
    """The newest request of that id; None: it is not among the recent ones."""
    wanted = id.encode("latin-1", "replace")
    outcome = next((each for each in reversed(gateway.traffic.recent) if each.id == wanted), None)
    if outcome is None:
        return None
    decision = gateway.decisions.of(outcome)
    return Opened(_recent(gateway, outcome, decision is not None), decision)


def explained(gateway: Gateway, most: int) -> list[Opened]:
    """The newest first, of those whose decision was recorded."""
    return [Opened(_recent(gateway, outcome, True), record) for record, outcome in gateway.decisions.ended()[:most]]


def _recent(gateway: Gateway, outcome: Outcome, decided: bool) -> Recent:
    ended = clock.wall() - clock.now() + outcome.finished
    cost = row(ended, outcome, gateway.catalog.price(outcome.deployment)).cost
    return Recent(request_line(round(ended, 3), outcome), cost, decided)
