"""A row holds names, counts, times and money of its outcome, and nothing that a client or an upstream said."""

import pytest

from gateway.ledger.row import columns, row
from policies.types import Spent, Usage
from tests.gateway.ledger.outcomes import PRICE, answered, failed


def test_what_was_answered() -> None:
    kept = row(1000.0, answered(7), PRICE)
    assert (kept.id, kept.time, kept.model, kept.deployment, kept.status) == ("req_7", 1000.0, "llama", "pool", 200)
    assert (kept.duration, kept.first_token) == (2.0, 0.5)
    assert kept.overhead == pytest.approx(0.1)
    assert kept.cost == pytest.approx((600 * 1.0 + 400 * 0.5 + 500 * 2.0) / 1e6)


def test_what_failed_says_how_and_keeps_no_message() -> None:
    kept = row(0.0, failed(), PRICE)
    assert (kept.failure, kept.tried, kept.first_token, kept.cost) == ("UNREACHABLE", "pool,cloud", None, None)
    assert "secret-host" not in repr(kept)


def test_without_a_price_the_cost_is_unknown_and_not_nothing() -> None:
    assert row(0.0, answered(), None).cost is None


def test_tokens_nobody_counted_cost_nothing_that_is_known() -> None:
    assert row(0.0, answered(usage=Usage()), PRICE).cost is None


def test_every_column_has_a_type() -> None:
    assert {kind for _, kind in columns()} <= {"TEXT", "REAL", "INTEGER"}


def test_what_other_attempts_cost_comes_on_top() -> None:
    hedged = answered(spent=(Spent("cloud", "http://c", Usage(1000, 0, 0, "estimated"), "cancelled", 0.25),))
    assert row(0.0, hedged, PRICE).cost == pytest.approx(answered().usage.cost(PRICE) + 0.25)


def test_a_recovered_answer_costs_what_its_attempts_did() -> None:
    parts = tuple(Spent("cloud", "http://c", Usage(1000, 5, 0, "upstream"), end, 0.25) for end in ("broken", "ok"))
    assert row(0.0, answered(spent=parts, recovered="continue"), PRICE).cost == pytest.approx(0.5)
