"""Time, chance and names. Rule: the only place that reads a clock or draws at random; everything else is given them."""

import itertools
import os
import random  # noqa: TID251
import time

now = time.monotonic  # seconds; the event loop's own clock
wall = time.time  # noqa: TID251  # seconds since the epoch, for people
_bits = random.getrandbits
_START = os.urandom(6).hex().encode()
_count = itertools.count(1)


def seed() -> int:
    """64 random bits: what a request's random choices are drawn from."""
    return _bits(64)


def request_id() -> bytes:
    """A name no other request has: this process's random part and a count."""
    return b"req_%b%08x" % (_START, next(_count))


def jitter(seconds: float) -> float:
    """Between 0.8 and 1.2 times ``seconds``: keeps many pollers from falling into step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311
