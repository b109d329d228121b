"""Replaces, inserts and removes top-level JSON fields in place; every other byte stays."""

# compiled

from collections.abc import Collection

import msgspec

from backends.contract.facts import Facts, Range
from backends.contract.peek import members

Edit = tuple[Range, bytes]


def splice(body: bytes, edits: list[Edit]) -> bytes:
    """The body with each range replaced by its bytes; the same object where there is nothing to replace."""
    if not edits:
        return body
    if len(edits) == 1:
        ((start, end), value) = edits[0]
        return b"%b%b%b" % (body[:start], value, body[end:])
    parts: list[bytes] = []
    at = 0
    for (start, end), value in sorted(edits):
        parts += body[at:start], value
        at = end
    parts.append(body[at:])
    return b"".join(parts)


def ask_for_usage(facts: Facts) -> list[Edit]:
    """The edit that sets ``stream_options.include_usage: true``; none where the body asks for it already."""
    options, at = facts.stream_options, facts.options_at
    if options is not None and options.get("include_usage") is True:
        return []
    if at[0] == at[1]:
        return [(at, b'"stream_options":{"include_usage":true},')]
    return [(at, msgspec.json.encode({**(options or {}), "include_usage": True}))]


def leave_out(body: bytes, names: Collection[str]) -> list[Edit]:
    """The edits that take these top-level members out of a JSON object, each with the comma that goes with it."""
    edits: list[Edit] = []
    if not names:
        return edits
    first = True  # nothing is kept yet: the comma to go is the one that follows
    for name, (start, end) in members(body):
        if name in names:
            edits.append(((start, end), b""))
        elif first:
            first = False
            if edits:
                edits.append(((start, body.index(b",", start) + 1), b""))
    return edits


def json_string(text: str) -> bytes:
    """``text`` escaped for use between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1]
