"""Usage costs what it says."""

import pytest

from backends.contract.usage import of_body
from policies.vocabulary.types import NO_USAGE, Price, Usage


@pytest.mark.parametrize(
    ("price", "usd"),
    [(Price(2.0, 8.0), 2000 * 2e-6 + 500 * 8e-6), (Price(2.0, 8.0, 0.5), 1500 * 2e-6 + 500 * 0.5e-6 + 500 * 8e-6)],
)
def test_cached_tokens_have_their_own_price_where_there_is_one(price: Price, usd: float) -> None:
    assert Usage(2000, 500, 500, "upstream").cost(price) == pytest.approx(usd)


def test_a_body_that_is_no_json_has_no_usage_to_read() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        of_body(b"<html>")


def test_reasoning_that_is_counted_beside_the_answer_is_paid_too() -> None:
    """xAI's totals: 12 + 2 + 340 = 354. OpenAI's reasoning is within the completion's tokens already."""
    for completion in (2, 342):
        body = (
            b'{"usage":{"prompt_tokens":12,"completion_tokens":%d,"total_tokens":354,'
            b'"completion_tokens_details":{"reasoning_tokens":340}}}' % completion
        )
        assert of_body(body)[0] == Usage(12, 342, 0, "upstream", reasoning=340)


@pytest.mark.parametrize("tokens", ["-5", "9007199254740993", "1" + 30 * "0"])
def test_a_count_that_nobody_can_have_counted_is_no_usage(tokens: str) -> None:
    """A bill of minus five tokens was written, and one of 10^30 ended the ledger's thread."""
    body = b'{"choices": [], "usage": {"prompt_tokens": %s, "completion_tokens": 3}}' % tokens.encode()
    assert of_body(body) == (NO_USAGE, None)
