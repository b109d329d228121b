"""Chance. Rule: every random or hashed choice is a pure function of numbers that are given; nothing is drawn here."""

from hashlib import blake2b
from math import log

_MASK = 0xFFFFFFFFFFFFFFFF


def digest(*parts: str) -> int:
    """64 bits that stand for these texts, the same in every process."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8).digest(), "big")


def mix(a: int, b: int) -> int:
    """64 bits from two numbers, each bit of which depends on both: the finaliser of splitmix64."""
    x = (a ^ (b * 0x9E3779B97F4A7C15)) & _MASK
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & _MASK
    return x ^ (x >> 31)


def unit(bits: int) -> float:
    """A number between 0 and 1, neither included, from 64 bits."""
    return ((bits >> 11) + 0.5) / 2**53


def rendezvous(key: int, mark: int, weight: float) -> float:
    """How strongly ``key`` is drawn to a place: the highest wins, and each wins its weight's share of all keys.

    Highest random weight (Thaler and Ravishankar 1998) with weights (Schindelhauer and Schomaker 2005): a place that
    goes or comes moves only its own keys.
    """
    return -weight / log(unit(mix(key, mark)))
