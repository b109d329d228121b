"""Splice. Rule: change one field of a body in place; every byte outside it stays as it was."""

import msgspec

from backends.peek import Peek, Range, walk

_INSERTED = b'"stream_options":{"include_usage":true},'


def replace(body: bytes, at: Range, value: bytes) -> bytes:
    """The body with ``value`` in the range ``at``."""
    return b"".join((body[: at[0]], value, body[at[1] :]))


def ask_for_usage(body: bytes, peeked: Peek) -> bytes:
    """The body with ``stream_options.include_usage: true``; the same object where it asks for that already."""
    options = peeked.stream_options
    if options is None and b'"stream_options"' not in body and b"\\u00" not in body:
        at = body.index(b"{") + 1
        return b"".join((body[:at], _INSERTED, body[at:]))
    if options is not None and options.get("include_usage") is True:
        return body
    at_value = walk(body).get("stream_options")
    if at_value is None:
        at = body.index(b"{") + 1
        return b"".join((body[:at], _INSERTED, body[at:]))
    return replace(body, at_value, msgspec.json.encode({**(options or {}), "include_usage": True}))


def json_string(text: str) -> bytes:
    """``text`` escaped for use between the quotes of a JSON string."""
    return msgspec.json.encode(text)[1:-1]
