"""Token counts by an engine's own /tokenize."""

import msgspec

from backends.contract.adapter import Incoming
from backends.contract.facts import Facts
from backends.contract.families import FAMILY
from backends.contract.headers import JSON
from backends.contract.peek import peek
from policies.vocabulary.types import Request

TOKENIZE = FAMILY["tokenize"]
_READ = (
    "messages", "tools", "prompt", "add_generation_prompt", "continue_final_message", "add_special_tokens",
    "chat_template", "chat_template_kwargs", "mm_processor_kwargs",
)  # fmt: skip


class _Counted(msgspec.Struct):
    count: int


class _Tokens(msgspec.Struct):
    tokens: list[int]


def asking(request: Request, facts: Facts, model: str) -> Incoming:
    """What an adapter encodes to ask for the tokens of a chat or completion request; ``model``: the upstream's name."""
    return Incoming(request, peek(TOKENIZE, question(model, facts), b""), JSON)


def question(model: str, facts: Facts) -> bytes:
    """The body for /tokenize of a chat or completion request; the prompt's fields and no other."""
    given = facts.fields
    return msgspec.json.encode({"model": model, **{name: given[name] for name in _READ if name in given}})


def answer(status: int, body: bytes) -> int | None:
    """The tokens; None where it did not say: it has no such endpoint, or refuses the prompt."""
    if status != 200:
        return None
    try:
        return msgspec.json.decode(body, type=_Counted).count
    except (msgspec.DecodeError, UnicodeError):
        return None


def tokens(body: bytes) -> list[int]:
    """The tokens that an answer tells.

    Raises:
        ValueError: it tells none.
    """
    return msgspec.json.decode(body, type=_Tokens).tokens


def salt(facts: Facts) -> str:
    """What keeps a request's prompt apart in its engine's cache; empty: nothing does.

    Raises:
        ValueError: the body is not what an engine would take.
    """
    return msgspec.json.decode(facts.fields.get("cache_salt", b"null"), type=str | None) or ""
