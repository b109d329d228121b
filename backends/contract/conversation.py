"""A conversation: a client's request in no dialect. Client APIs read it; provider dialects write it.

A reader (`read_chat`, `read_messages`, …) makes one of a front door's body; a provider's dialect writes it as its own
wire body. Field names are those of OpenAI's chat API wherever it has one, so that a field nobody can spell has a name
the client knows.
"""

import msgspec

Raw = msgspec.Raw
ABSENT = Raw()

#: Where a thought's signature was made; no other place can read it.
ANTHROPIC, GOOGLE = "anthropic", "google"


def present(raw: Raw) -> bool:
    """Whether a raw field was given, and not as null."""
    return bytes(raw) not in (b"", b"null")


class Text(msgspec.Struct, gc=False):
    """Plain text. ``cache``: a prompt-cache marker ends here; its value is the time to live (``5m``, ``1h``)."""

    text: str
    cache: str = ""


class Image(msgspec.Struct, gc=False):
    """An image: base64 ``data`` of a ``media_type``, or the ``url`` of one. ``detail``: low, high or auto."""

    media_type: str = ""
    data: str = ""
    url: str = ""
    detail: str = ""
    cache: str = ""


class Document(msgspec.Struct, gc=False):
    """A document: base64 ``data`` of a ``media_type`` (application/pdf), or a ``url``, or an uploaded file's ``id``."""

    media_type: str = "application/pdf"
    data: str = ""
    url: str = ""
    id: str = ""
    name: str = ""
    cache: str = ""


class Audio(msgspec.Struct, gc=False):
    """A sound: base64 ``data`` in a ``format`` (wav, mp3)."""

    format: str
    data: str


class ToolCall(msgspec.Struct, gc=False):
    """The assistant called a tool. ``arguments``: JSON text of an object. ``signature``: proof that goes with the call
    (Gemini), made by ``origin``."""

    id: str
    name: str
    arguments: str = "{}"
    signature: str = ""
    origin: str = ""
    cache: str = ""


class ToolResult(msgspec.Struct):
    """What a tool answered to the call ``id``. ``name``: the tool's, where the dialect or an earlier call tells it."""

    id: str
    parts: list["Text | Image | Document"]
    name: str = ""
    is_error: bool = False
    cache: str = ""


class Thought(msgspec.Struct, gc=False):
    """The assistant's reasoning. ``signature`` proves it to its ``origin``; ``redacted``: ciphertext in its place."""

    text: str = ""
    signature: str = ""
    redacted: str = ""
    origin: str = ""


Part = Text | Image | Document | Audio | ToolCall | ToolResult | Thought


class Message(msgspec.Struct):
    """One turn. ``role``: system, developer, user or assistant; tool results stand in user turns."""

    role: str
    parts: list[Part]
    name: str = ""


class Tool(msgspec.Struct):
    """A function the model may call. ``schema``: JSON schema of its arguments, as the client's own bytes."""

    name: str
    schema: Raw = Raw(b'{"type":"object","properties":{}}')
    description: str = ""
    strict: bool | None = None
    cache: str = ""


class ToolChoice(msgspec.Struct, frozen=True):
    """``mode``: auto, none, required, or tool (then ``name`` says which)."""

    mode: str
    name: str = ""


class Format(msgspec.Struct, frozen=True):
    """How the answer must look. ``kind``: text, json_object or json_schema (then ``schema`` says which)."""

    kind: str
    schema: Raw = Raw(b"{}")
    name: str = ""
    description: str = ""
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True):
    """How long to think. ``effort``: none, minimal, low, medium, high, xhigh, max; ``budget``: tokens, 0 for none at
    all; ``adaptive``: the model decides. ``shown``: whether the reasoning's text is wanted (None: as usual).
    ``only_effort``: the effort is of the answer as a whole, and nothing was said of thinking."""

    effort: str = ""
    budget: int | None = None
    adaptive: bool = False
    shown: bool | None = None
    only_effort: bool = False


class Conversation(msgspec.Struct):
    """A request. None or empty: not given.

    ``extra``: the door's fields without a neutral meaning, raw, by name: a writer takes those its provider knows, and
    names the rest as dropped. ``include_usage``: the client wants usage in its stream.
    """

    messages: list[Message]
    stream: bool = False
    include_usage: bool = False
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = []
    seed: int | None = None
    n: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Raw | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: Format | None = None
    reasoning: Reasoning | None = None
    service_tier: str = ""
    user: str = ""
    metadata: dict[str, str] = {}
    extra: dict[str, Raw] = {}

    def given(self, *fields: str) -> list[str]:
        """Those of the named fields that the client gave, and that ask for something: what a writer cannot spell."""
        return [name for name in fields if getattr(self, name) not in _NOTHING.get(name, _ABSENT)]


_ABSENT: tuple[object, ...] = (None, "", [], {}, False)
_NOTHING: dict[str, tuple[object, ...]] = {  # a value that asks for nothing is nothing to refuse
    "n": (None, 1),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "seed": (None,),
    "temperature": (None,),
    "top_p": (None, 1),
    "top_k": (None,),
    "top_logprobs": (None, 0),
    "parallel_tool_calls": (None, True),
    "service_tier": ("", "auto", "default"),
    "logit_bias": (None, Raw(b"{}"), Raw(b"null")),
}
