"""Usage costs what it says."""

import pytest

from backends.usage import of_body
from policies.types import Price, Usage


@pytest.mark.parametrize(
    ("price", "usd"),
    [(Price(2.0, 8.0), 2000 * 2e-6 + 500 * 8e-6), (Price(2.0, 8.0, 0.5), 1500 * 2e-6 + 500 * 0.5e-6 + 500 * 8e-6)],
)
def test_cached_tokens_have_their_own_price_where_there_is_one(price: Price, usd: float) -> None:
    assert Usage(2000, 500, 500, "upstream").cost(price) == pytest.approx(usd)


def test_a_body_that_is_no_json_has_no_usage_to_read() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        of_body(b"<html>")
