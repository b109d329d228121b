"""The bound is the linear programme's optimum: no split of work over buckets spares more, checked by brute force."""

import random

import pytest

from bench.bound import Piece, least_bought


def by_flow(pieces: list[Piece], capacity: int, window: int) -> float:
    """The same for whole units of work, by augmenting paths: each unit is matched to a slot, dearest first."""
    slots: dict[tuple[int, int], int] = {}
    units = [(p.usd / p.work, p.bucket) for p in pieces for _ in range(int(p.work))]
    units.sort(reverse=True)

    def place(unit: int, tried: set[tuple[int, int]]) -> bool:
        start = units[unit][1]
        for slot in [(b, k) for b in range(start, start + window) for k in range(capacity)]:
            if slot not in tried:
                tried.add(slot)
                if slot not in slots or place(slots[slot], tried):
                    slots[slot] = unit
                    return True
        return False

    return sum(usd for unit, (usd, _) in enumerate(units) if not place(unit, set()))


def test_it_is_the_optimum() -> None:
    for seed in range(30):
        draw = random.Random(seed)
        pieces = [
            Piece(draw.randrange(6), draw.randint(1, 4), draw.uniform(0.1, 3)) for _ in range(draw.randint(1, 14))
        ]
        capacity, window = draw.randint(1, 3), draw.randint(1, 4)
        assert least_bought(pieces, capacity, window) == pytest.approx(by_flow(pieces, capacity, window)), seed


def test_what_fits_is_not_bought() -> None:
    assert least_bought([Piece(0, 1.0, 5.0), Piece(3, 1.0, 5.0)], 1.0, 1) == 0.0
