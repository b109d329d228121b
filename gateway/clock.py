"""Clock, randomness and ids: the only place that reads a clock or draws at random."""

# compiled

import functools
import itertools
import os
import random  # noqa: TID251
import time

now = time.monotonic  # seconds; the event loop's own clock
wall = time.time  # noqa: TID251  # seconds since the epoch, for people
#: 64 random bits: what a request's random choices are drawn from.
seed = functools.partial(random.getrandbits, 64)
#: A name no other request has: this process's random part and a count.
request_id = map((b"req_%b%%08x" % os.urandom(6).hex().encode()).__mod__, itertools.count(1)).__next__


def jitter(seconds: float) -> float:
    """Between 0.8 and 1.2 times ``seconds``: keeps many pollers from falling into step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311
