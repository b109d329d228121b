"""A row holds names, counts, times and money of its outcome, and nothing that a client or an upstream said."""

import msgspec
import pytest

from gateway.ledger.entry import BLOCK, charges, row
from gateway.ledger.row import Charge, Row, columns
from policies.attempts.attempt_record import AttemptRecord
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import AttemptCost, Request, Usage
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
    assert {kind for table in (Row, Charge) for _, kind in columns(table)} <= {"TEXT", "REAL", "INTEGER", "BLOB"}


def test_what_other_attempts_cost_comes_on_top() -> None:
    hedged = answered(spent=(AttemptCost("cloud", "http://c", Usage(1000, 0, 0, "estimated"), "cancelled", 0.25),))
    assert row(0.0, hedged, PRICE).cost == pytest.approx(answered().usage.cost(PRICE) + 0.25)


def test_a_recovered_answer_costs_what_its_attempts_did() -> None:
    parts = tuple(
        AttemptCost("cloud", "http://c", Usage(1000, 5, 0, "upstream"), end, 0.25) for end in ("broken", "ok")
    )
    assert row(0.0, answered(spent=parts, recovered="continue", broken=True), PRICE).cost == pytest.approx(0.5)


def test_each_attempt_is_charged_where_it_was_made() -> None:
    lost = AttemptCost("cloud", "http://c", Usage(1000, 0, 0, "estimated"), "cancelled", 0.25)
    hedged = answered(spent=(lost,))
    assert row(0.0, hedged, PRICE).itemized
    first, last = charges(5.0, hedged, PRICE)
    assert (first.deployment, first.end, first.usage, first.cost) == ("cloud", "cancelled", "estimated", 0.25)
    assert (last.deployment, last.end, last.prompt_tokens, last.completion_tokens) == ("pool", "ok", 1000, 500)
    assert last.cost == pytest.approx(answered().usage.cost(PRICE))


def test_of_a_recovered_answer_only_its_attempts_are_charged() -> None:
    parts = tuple(
        AttemptCost("cloud", "http://c", Usage(1000, 5, 0, "upstream"), end, 0.25) for end in ("broken", "ok")
    )
    charged = charges(0.0, answered(spent=parts, recovered="continue", broken=True), PRICE)
    assert [each.end for each in charged] == ["broken", "ok"]


def test_most_requests_are_charged_by_their_row_alone() -> None:
    assert not charges(0.0, answered(), PRICE) and not row(0.0, answered(), PRICE).itemized


def test_every_kind_of_token_is_kept() -> None:
    kinds = Usage(1000, 500, 400, "upstream", 100, 50, 30, 20, 10)
    kept = row(0.0, answered(usage=kinds), PRICE)
    assert (kept.cache_write_tokens, kept.cache_write_1h_tokens, kept.reasoning_tokens) == (100, 50, 30)
    assert (kept.audio_prompt_tokens, kept.audio_completion_tokens) == (20, 10)
    assert row(0.0, answered(), PRICE).reasoning_tokens is None


def test_how_it_was_chosen_is_kept() -> None:
    tried = AttemptRecord("cloud", "http://c", 10.25, 10.5, "unreachable", "first", "learned")
    kept = row(0.0, answered(seed=2**64 - 1, policy="peak_ewma", signal="learned", tries=(tried,)), PRICE)
    assert (kept.policy, kept.seed, kept.signal) == ("peak_ewma", "f" * 16, "learned")
    assert msgspec.json.decode(kept.tries or b"")[0]["began"] == pytest.approx(0.25)


def asking(blocks: tuple[int, ...]) -> Request:
    return Request("chat", "llama", True, 9, 10.0, conversation=5, blocks=blocks, block_tokens=128.0)


def test_a_prompt_is_kept_as_names_of_its_beginnings_bounded() -> None:
    blocks = tuple(range(-5, 10_000))
    kept = row(0.0, answered(asked=asking(blocks)), PRICE)
    longer = row(0.0, answered(asked=asking((*blocks[: 4 * BLOCK], 7, 7, 7, 7))), PRICE)
    assert kept.blocks is not None and longer.blocks is not None and len(kept.blocks) == 8 * 256
    assert kept.blocks[: 8 * 4] == longer.blocks[: 8 * 4] and kept.blocks[32:40] != longer.blocks[32:40]
    assert kept.block_tokens == 128.0 * BLOCK
    assert row(0.0, answered(asked=asking((7,))), PRICE).blocks is None


def test_what_ended_badly_is_charged_with_its_failure() -> None:
    left = Fault(Failure.CANCELLED, "the client left")
    lost = AttemptCost("cloud", "http://c", Usage(), "unreachable")
    charged = charges(0.0, answered(fault=left, usage=Usage(9, 3, 0, "estimated"), spent=(lost,)), PRICE)
    assert [(each.end, each.usage, each.cost is None) for each in charged] == [
        ("unreachable", "none", True),
        ("cancelled", "estimated", False),
    ]
