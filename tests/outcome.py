"""Outcomes of one's own. Rule: what is named is a field of an outcome."""

from typing import Any

from policies.attempts.outcome import Outcome


def filled(id: bytes, family: str, received: float, **fields: Any) -> Outcome:
    made = Outcome(id, family, received)
    for name, value in fields.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made
