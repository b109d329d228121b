"""The wider read of a body (tools, images, metadata, conversation), only where a policy or a route needs it.

It never changes what is sent, and what it cannot make sense of is taken for absent: upstreams judge bodies, not we.
"""

from collections.abc import Iterator, Mapping

import msgspec

_IMAGES = frozenset({"image_url", "input_image", "image"})


class Traits(msgspec.Struct, frozen=True):
    """What a body asks for. ``conversation``: what names it, or its beginning; empty: nothing does."""

    max_tokens: int | None = None
    conversation: str = ""
    metadata: Mapping[str, str] = {}
    tools: bool = False
    images: bool = False
    json_schema: bool = False


class _Part(msgspec.Struct):
    type: str = ""


class _Message(msgspec.Struct):
    role: str = ""
    type: str = ""
    content: list[_Part] | str | None = None


class _Format(msgspec.Struct):
    type: str = ""


class _Text(msgspec.Struct):
    format: _Format | None = None


_ABSENT = msgspec.Raw()


class _Small(msgspec.Struct):
    """The fields whose reading does not grow with the prompt."""

    user: object = None
    prompt_cache_key: object = None
    metadata: object = None
    max_tokens: object = None
    max_completion_tokens: object = None
    max_output_tokens: object = None
    tools: msgspec.Raw = _ABSENT
    response_format: msgspec.Raw = _ABSENT
    text: msgspec.Raw = _ABSENT
    messages: msgspec.Raw = _ABSENT
    input: msgspec.Raw = _ABSENT
    prompt: msgspec.Raw = _ABSENT


_decode = msgspec.json.Decoder(_Small).decode
_decode_messages = msgspec.json.Decoder(list[_Message] | str).decode
_decode_raws = msgspec.json.Decoder(list[msgspec.Raw] | str).decode
_decode_role = msgspec.json.Decoder(_Message).decode
_decode_format = msgspec.json.Decoder(_Format).decode
_decode_text = msgspec.json.Decoder(_Text).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def traits(body: bytes, *, images: bool = True) -> Traits:
    """The traits of a JSON body; all absent where it is none. ``images``: whether to look through every message."""
    try:
        fields = _decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Traits()
    metadata = _texts(fields.metadata)
    given = (fields.messages, fields.input, fields.prompt)
    said = next((each for each in given if each is not _ABSENT), None)
    return Traits(
        next(iter(_counts(fields)), None),
        _named(fields, metadata) or _beginning(said),
        metadata,
        bool(_safely(_decode_list, fields.tools)),
        images and said is not None and _has_images(said),
        _has_schema(fields),
    )


def _counts(fields: _Small) -> Iterator[int]:
    for given in (fields.max_completion_tokens, fields.max_tokens, fields.max_output_tokens):
        if isinstance(given, int) and not isinstance(given, bool) and given >= 0:
            yield given


def _texts(metadata: object) -> dict[str, str]:
    if not isinstance(metadata, dict):
        return {}
    return {key: value for key, value in metadata.items() if isinstance(key, str) and isinstance(value, str)}


def _named(fields: _Small, metadata: Mapping[str, str]) -> str:
    """What the client calls the conversation; ``user`` last, since one user may hold many."""
    names = (
        fields.prompt_cache_key,
        metadata.get("session_id"),
        metadata.get("conversation_id"),
        metadata.get("user_id"),
        fields.user,
    )
    return next((name for name in names if isinstance(name, str) and name), "")


def _beginning(said: msgspec.Raw | None) -> str:
    """A conversation that has no name is known by what stays as it grows: all up to the first user message."""
    if said is None:
        return ""
    messages = _safely(_decode_raws, said)
    if not isinstance(messages, list):
        return ""
    kept = []
    for raw in messages:
        kept.append(bytes(raw))
        message = _safely(_decode_role, raw)
        if isinstance(message, _Message) and message.role == "user":
            break
    return b"\0".join(kept).decode("utf-8", "replace")


def _has_images(said: msgspec.Raw) -> bool:
    messages = _safely(_decode_messages, said)
    if not isinstance(messages, list):
        return False
    parts = (part for each in messages if isinstance(each.content, list) for part in each.content)
    return any(each.type in _IMAGES for each in (*messages, *parts))


def _has_schema(fields: _Small) -> bool:
    text = _safely(_decode_text, fields.text)
    given = _safely(_decode_format, fields.response_format) or (text.format if isinstance(text, _Text) else None)
    return isinstance(given, _Format) and given.type == "json_schema"


def _safely(decode: object, raw: msgspec.Raw) -> object:
    try:
        return decode(raw)  # type: ignore[operator]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
