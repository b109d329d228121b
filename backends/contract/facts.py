"""Facts: what is read of a request's body. Each part is decoded when it is first needed; the prompt stays raw bytes.

``peek`` makes them, and reads what every request needs; the rest is read only where a policy, a route or another
dialect needs it. What makes no sense there counts as absent: upstreams judge bodies, the gateway does not.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec

from backends.contract.families import Family

T = TypeVar("T")
Range = tuple[int, int]

NOWHERE = (0, 0)
_ABSENT = msgspec.Raw()
_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_PROMPTS = ("messages", "input", "prompt")
#: Inside a JSON string the quotes would be escaped, so a text cannot look like a part.
_PART = re.compile(rb'"type"\s*:\s*"(image_url|input_image|image|file|input_file|document|input_audio)"')
_MEDIA = {
    **dict.fromkeys((b"image_url", b"input_image", b"image"), "images"),
    **dict.fromkeys((b"file", b"input_file", b"document"), "documents"),
    b"input_audio": "audio",
}


class _Message(msgspec.Struct):
    role: str = ""


class _Format(msgspec.Struct):
    type: str = ""


class _Text(msgspec.Struct):
    format: _Format | None = None


decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder().decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_message = msgspec.json.Decoder(_Message).decode
_decode_format = msgspec.json.Decoder(_Format).decode
_decode_text = msgspec.json.Decoder(_Text).decode


class Facts(msgspec.Struct, gc=False):
    """What a body says.

    ``model``: empty where none is given, as some endpoints of OpenAI allow. ``model_at``: the byte range of its value,
    without any quotes; where none is given, of what to replace by a value between ``model_wrap``. ``options_at``: the
    range of the value of ``stream_options``; empty, and just within the opening brace, where there is none.
    ``decoded``: the top-level fields, from the first time that they are read: see ``fields``.
    """

    family: Family
    body: bytes
    model: str = ""
    model_at: Range = NOWHERE
    stream: bool = False
    stream_options: dict[str, object] | None = None  # None: not given (or null)
    options_at: Range = NOWHERE
    decoded: Mapping[str, msgspec.Raw] | None = None
    model_wrap: tuple[bytes, bytes] = (b"", b"")
    steering: dict[str, msgspec.Raw] | None = None  # fields that steer the gateway, and that most upstreams refuse
    _media: frozenset[str] | None = None

    @property
    def fields(self) -> Mapping[str, msgspec.Raw]:
        """The top-level fields with their raw values; none where the body is no JSON object."""
        if self.decoded is None:
            self.decoded = attempted(decode_fields, self.body) or {}
        return self.decoded

    def value(self, name: str) -> object:
        """The value of a field, decoded; None where it is null, absent or malformed."""
        raw = self.fields.get(name)
        return attempted(_decode_value, raw) if raw is not None else None

    @property
    def prompt(self) -> msgspec.Raw:
        """``messages``, else ``input``, else ``prompt``, as it was sent; empty where there is none."""
        fields = self.fields
        return next((fields[name] for name in _PROMPTS if name in fields), _ABSENT)

    @property
    def max_tokens(self) -> int | None:
        """The limit of the answer, in tokens."""
        given = map(self.value, _LIMITS)
        return next((each for each in given if type(each) is int and each >= 0), None)

    @property
    def metadata(self) -> dict[str, str]:
        """``metadata``, of texts only."""
        given = self.value("metadata")
        return {key: text for key, text in given.items() if isinstance(text, str)} if isinstance(given, dict) else {}

    @property
    def tools(self) -> bool:
        """Whether tools (or functions, as they were called before) may be called."""
        return any(attempted(_decode_list, self.fields.get(name, b"[]")) for name in ("tools", "functions"))

    @property
    def json_schema(self) -> bool:
        """Whether the answer must follow a JSON schema."""
        given = attempted(_decode_format, self.fields.get("response_format", b"null"))
        text = attempted(_decode_text, self.fields.get("text", b"null"))  # of the responses API
        wanted = given if given is not None or text is None else text.format
        return wanted is not None and wanted.type == "json_schema"

    @property
    def media(self) -> frozenset[str]:
        """Which of ``images``, ``documents`` and ``audio`` the body holds."""
        if self._media is None:
            self._media = frozenset(_MEDIA[kind] for kind in _PART.findall(self.body))
        return self._media

    @property
    def conversation(self) -> str:
        """What the client calls the conversation, else how it begins; empty where there is neither.

        ``user`` is the last of the names, since one user may hold many conversations.
        """
        metadata = self.metadata
        ids = (metadata.get(name) for name in ("session_id", "conversation_id", "user_id"))
        names = (self.value("prompt_cache_key"), *ids, self.value("user"))
        named = [name for name in names if isinstance(name, str) and name]
        return named[0] if named else self._beginning()

    def _beginning(self) -> str:
        """What stays as a conversation grows: all up to its first message of a user."""
        kept = []
        for raw in attempted(_decode_list, self.prompt) or ():
            kept.append(bytes(raw))
            message = attempted(_decode_message, raw)
            if message is not None and message.role == "user":
                break
        return b"\0".join(kept).decode("utf-8", "replace")


def attempted(decode: Callable[..., T], data: bytes | msgspec.Raw) -> T | None:
    """What the decoder makes of it; None where it is malformed."""
    try:
        return decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
