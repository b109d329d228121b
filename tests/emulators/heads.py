"""Heads of requests, checked as a strict vendor's server would: none of another vendor's fields."""

from tests.contracts.scripted import Call

VENDORS = ("anthropic-", "openai-", "x-goog-", "x-vertex-", "x-amz")


def problem(call: Call, *own: str) -> str:
    """What is wrong with a head; empty: nothing. ``own``: what the names of this vendor's fields begin with."""
    foreign = sorted(name for name in call.headers if name.startswith(VENDORS) and not name.startswith(own))
    return f"of another vendor: {', '.join(foreign)}" if foreign else ""
