"""Outcomes made up for ledgers."""

from typing import Any

from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Price, Usage
from tests.outcome import filled

PRICE = Price(input=1.0, output=2.0, cached_input=0.5)


def answered(number: int = 0, **changes: object) -> Outcome:
    """A request that was answered whole: 1,000 tokens in, of which 400 from a cache, and 500 out."""
    given: dict[str, Any] = {
        "id": b"req_%d" % number,
        "family": "chat",
        "received": 10.0,
        "model": "llama",
        "key": "team-a",
        "deployment": "pool",
        "endpoint": "http://gpu-1:8000",
        "attempts": 1,
        "status": 200,
        "usage": Usage(1000, 500, 400, "upstream"),
        "first_token": 10.5,
        "finished": 12.0,
        "waited": 0.4,
    }
    return filled(**{**given, **changes})


def failed(number: int = 0) -> Outcome:
    fault = Fault(Failure.UNREACHABLE, "cannot connect: secret-host")
    tries = tuple(AttemptRecord(name, "e", 10.0, 10.1, "unreachable", "first", "") for name in ("pool", "cloud"))
    return answered(number, status=502, fault=fault, usage=Usage(), first_token=0.0, tries=tries)
