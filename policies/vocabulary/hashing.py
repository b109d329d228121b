"""Deterministic hashing and sampling: every random or hashed choice is a pure function of given numbers."""

from hashlib import blake2b
from math import log
from typing import TypeVar

T = TypeVar("T")
GOLDEN = 0x9E3779B97F4A7C15  # an odd number of 64 bits: steps of it visit them all
_MASK = 0xFFFFFFFFFFFFFFFF


def digest(*parts: str) -> int:
    """64 bits that stand for these texts, the same in every process."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big")


def mix(a: int, b: int) -> int:
    """64 bits from two numbers, each bit of which depends on both: by the finaliser of splitmix64."""
    x = (a ^ (b * GOLDEN)) & _MASK
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
    return x ^ (x >> 31)


def scramble(number: int) -> int:
    """64 well-mixed bits of one number: what splitmix64 draws (Steele, Lea, Flood, OOPSLA 2014)."""
    return mix(number + GOLDEN, 0)


def unit(bits: int) -> float:
    """A number between 0 and 1, neither included, from 64 bits."""
    return ((bits >> 12) + 0.5) / 2**52


def jump(key: int, count: int) -> int:
    """Which of ``count`` numbered places ``key`` falls to; when one more is added at the end, only its share moves.

    Jump consistent hash (Lamping and Veach 2014).
    """
    place, ahead = -1, 0
    while ahead < count:
        place = ahead
        key = (key * 2862933555777941757 + 1) & _MASK
        ahead = int((place + 1) * (1 << 31) / ((key >> 33) + 1))
    return place


def rendezvous(key: int, mark: int, weight: float) -> float:
    """How strongly ``key`` is drawn to a place: the highest wins, and each wins its weight's share of all keys.

    Highest random weight (Thaler and Ravishankar 1998) with weights (Schindelhauer and Schomaker 2005): a place that
    goes or comes moves only its own keys.
    """
    return -weight / log(unit(mix(key, mark)))


def sample(items: list[T], size: int, seed: int) -> list[T]:
    """``size`` distinct items (all, where there are no more), drawn by ``seed``: a Fisher-Yates shuffle's head.

    Only what the shuffle has moved is kept, so that a thousand items cost no more than ten. A picker breaks ties
    by the seed itself, which must tell nothing of which items were drawn: hence the mixing.
    """
    count = len(items)
    if size >= count:
        return items
    moved: dict[int, int] = {}
    drawn = []
    for i in range(size):
        j = i + mix(seed, i + 1) % (count - i)
        drawn.append(items[moved.get(j, j)])
        moved[j] = moved.get(i, i)
    return drawn
