"""Other providers' reasoning signatures, carried in Anthropic thinking blocks.

Anthropic's clients send thinking blocks back as they came, so a prefix says whose signature it is; one that belongs to
a tool call stands in an empty thinking block before it.
"""

from backends.contract.conversation import ANTHROPIC, GOOGLE

_SEPARATOR = ":"  # no base64 holds one
_CALL = "call"
_ORIGINS = frozenset({GOOGLE})


def mark(signature: str, origin: str, *, call: bool = False) -> str:
    """The signature as a client keeps it."""
    if origin in ("", ANTHROPIC):
        return signature
    return _SEPARATOR.join((origin, _CALL, signature) if call else (origin, signature))


def unmark(marked: str) -> tuple[str, str, bool]:
    """The signature, its origin, and whether it belongs to the call that follows."""
    origin, _, rest = marked.partition(_SEPARATOR)
    if origin not in _ORIGINS:
        return marked, ANTHROPIC, False
    kind, _, signature = rest.partition(_SEPARATOR)
    return (signature, origin, True) if kind == _CALL else (rest, origin, False)
