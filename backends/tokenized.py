"""Tokenized. Rule: a body becomes the request to vLLM's /tokenize that gives the very tokens its engine reads."""

import msgspec

TARGET = b"/tokenize"
FAMILIES = frozenset({"chat", "completions"})
LARGEST = 512 * 1024  # bytes; a longer prompt's tokens are not asked for


class _Body(msgspec.Struct, omit_defaults=True):
    """What of a body shapes its prompt. ``model``: the name the engine knows."""

    model: str = ""
    messages: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    prompt: str | list[int] | msgspec.UnsetType = msgspec.UNSET
    tools: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    add_generation_prompt: bool | msgspec.UnsetType = msgspec.UNSET
    continue_final_message: bool | msgspec.UnsetType = msgspec.UNSET
    add_special_tokens: bool | msgspec.UnsetType = msgspec.UNSET
    chat_template: str | msgspec.UnsetType | None = msgspec.UNSET
    chat_template_kwargs: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Tokens(msgspec.Struct):
    tokens: list[int]


_read = msgspec.json.Decoder(_Body).decode
_reply = msgspec.json.Decoder(_Tokens).decode


class Salt(msgspec.Struct):
    cache_salt: str | None = None


def question(body: bytes, model: str) -> bytes | list[int] | None:
    """The body to send; the tokens themselves where the prompt is given in tokens; None: its tokens cannot be asked."""
    if len(body) > LARGEST:
        return None
    try:
        asked = _read(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    if isinstance(asked.prompt, list):
        return asked.prompt
    if asked.messages is msgspec.UNSET and asked.prompt is msgspec.UNSET:
        return None
    asked.model = model
    return msgspec.json.encode(asked)


def salt(body: bytes) -> str:
    """What keeps a request's cache apart from others'."""
    return msgspec.json.decode(body, type=Salt).cache_salt or ""


def tokens(reply: bytes) -> list[int]:
    """
    Raises:
        ValueError: it is no such reply.
    """
    return _reply(reply).tokens
