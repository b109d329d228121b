"""Heads of requests, checked as vendors' own servers would: each field once, and none of another vendor's."""

from tests.contracts.scripted import Call

VENDORS = ("anthropic-", "openai-", "x-goog-", "x-vertex-", "x-amz")


def problem(call: Call, *own: str) -> str:
    """What is wrong with a head; empty: nothing. ``own``: what the names of this vendor's fields begin with."""
    names = [name.lower() for name, _ in call.lines]
    twice = sorted({name for name in names if names.count(name) > 1})
    foreign = sorted(name for name in names if name.startswith(VENDORS) and not name.startswith(own))
    if twice:
        return f"given twice: {', '.join(twice)}"
    return f"of another vendor: {', '.join(foreign)}" if foreign else ""
