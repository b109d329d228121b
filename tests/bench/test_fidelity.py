"""What the comparison with real engines stands on: its prompts and its fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.text import count_tokens, decode
from bench.fidelity.least_squares import fit
from bench.fidelity.play import prompt
from gateway.simulate.trace import Arrival

LENGTHS = (32, 100, 256, 700, 1024, 2048, 4096)


@given(st.lists(st.floats(1e-6, 1.0), min_size=3, max_size=3))
def test_a_law_without_noise_is_found_again(law: list[float]) -> None:
    rows = [(1.0, n / 1e3, (n / 1e3) ** 2) for n in LENGTHS]
    found = fit(rows, [sum(c * x for c, x in zip(law, row, strict=True)) for row in rows])
    assert found == pytest.approx(law, rel=1e-3, abs=1e-7)


def test_no_coefficient_is_a_negative_time() -> None:
    rows = [(1.0, n / 1e3, (n / 1e3) ** 2) for n in LENGTHS]
    found = fit(rows, [0.1 + 0.5 * row[1] - 0.02 * row[2] for row in rows])
    assert min(found) >= 0
    assert found[1] == pytest.approx(0.45, rel=0.2)


@given(st.lists(st.integers(0, 1 << 40), min_size=1, max_size=6), st.integers(0, 1 << 40))
def test_equal_blocks_are_equal_tokens_and_each_counts_as_one(names: list[int], other: int) -> None:
    block = 16
    ids = prompt(Arrival(0.0, len(names) * block, 1, tuple(names)), block)
    again = prompt(Arrival(0.0, len(names) * block + 3, 1, (*names, other)), block)
    assert len(ids) == len(names) * block == count_tokens(decode(ids))
    assert again[: len(ids)] == ids and len(again) == len(ids) + 3
