"""The narrow read of a body: the routing fields and their byte ranges. Everything else stays bytes."""

import re

import msgspec

from backends.contract import form
from backends.contract.families import Family

Range = tuple[int, int]
LONG = 16 * 1024  # bytes; from here on a walk over the keys is cheaper than a search through the body


class BadBody(Exception):
    """The body cannot be routed. ``param``: the field at fault, where there is one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class Peek(msgspec.Struct, gc=False):
    """What routing needs of a body.

    ``model``: empty where none is given, as some endpoints of OpenAI allow. ``model_at``: the byte range of its value,
    without any quotes; where none is given, of what to replace by a value between ``model_wrap``. ``options_at``: the
    range of the value of ``stream_options``; empty, and just within the opening brace, where there is none.
    """

    model: str
    model_at: Range
    stream: bool = False
    stream_options: dict[str, object] | None = None  # None: not given (or null)
    options_at: Range = (0, 0)
    model_wrap: tuple[bytes, bytes] = (b"", b"")
    steering: dict[str, msgspec.Raw] | None = None  # fields that steer the gateway, and that most upstreams refuse


_ABSENT = msgspec.Raw()


class _Body(msgspec.Struct):
    model: str | None = None
    stream: bool | None = None
    stream_options: dict[str, object] | None = None
    models: msgspec.Raw = _ABSENT
    provider: msgspec.Raw = _ABSENT
    priority: msgspec.Raw = _ABSENT


STEERING = ("models", "provider", "priority")
_STEERING = frozenset(STEERING)
_NAME = re.compile(rb'"[ !#-\[\]-~]+"')  # a string without escapes, all of it ASCII
_FLAGS = (b"true", b"false")
_NOWHERE = (0, 0)
_OPENING = (1, 1)  # just within the brace that a compact body begins with
_decode = msgspec.json.Decoder(_Body).decode
_decode_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_options = msgspec.json.Decoder(dict[str, object] | None).decode
_COLON = re.compile(rb"\s*:\s*")
_MODEL = b'"model"'
_PLAIN = re.compile(rb'\s*:\s*"([^"\\]*)"')  # what follows a key: a string without escapes
_GAP = re.compile(rb"[\s,]*")
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def peek(family: Family, body: bytes, content_type: bytes) -> Peek:
    """Read ``model`` and the stream fields.

    Raises:
        BadBody: not JSON (or not a form), an unusable ``model``, or ``model`` given twice.
    """
    if family.form:
        return _peek_form(body, content_type)
    return _peek_compact(family, body) or _peek_any(family, body)


def _peek_compact(family: Family, body: bytes) -> Peek | None:
    """Of a body as most clients write it, with nothing in it that needs a second look; None: another."""
    try:
        ranges = _compact(body, _decode_raw(body))
        if ranges is None or "model" not in ranges or not _STEERING.isdisjoint(ranges):
            return None
        start, end = ranges["model"]
        options, options_at = None, _OPENING
        if "stream_options" in ranges:
            options_at = ranges["stream_options"]
            options = _decode_options(body[slice(*options_at)])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    stream = body[slice(*ranges["stream"])] if "stream" in ranges else b"false"
    if stream not in _FLAGS or not _NAME.fullmatch(body, start, end):
        return None
    streamed = stream == b"true"
    at = options_at if streamed and family.usage_option else _NOWHERE
    return Peek(body[start + 1 : end - 1].decode(), (start + 1, end - 1), streamed, options, at)


def _compact(body: bytes, fields: dict[str, msgspec.Raw]) -> dict[str, Range] | None:
    """Key -> range of its value, where no white space stands between tokens, no key is given twice, and none is spelled
    with escapes. Each member takes at least its key, four marks and its value: where those of all come to the body's
    length, it holds nothing else."""
    ranges: dict[str, Range] = {}
    at = 1
    for key, raw in fields.items():
        start = at + len(key) + 3
        at = start + memoryview(raw).nbytes + 1
        ranges[key] = (start, at - 1)
    return ranges if at == len(body) else None


def _peek_any(family: Family, body: bytes) -> Peek:
    """Of any body.

    Raises:
        BadBody: as ``peek`` says.
    """
    try:
        fields = _decode(body)
        wrap = (b"", b"")
        if fields.model:
            model_at = _model_at(body)
        elif fields.model is None:
            model_at, wrap = _no_model(body)
        else:
            raise _no_name()
        stream = bool(fields.stream)
        options_at = _options_at(body, fields.stream_options) if stream and family.usage_option else (0, 0)
        steering = None
        if fields.models is not _ABSENT or fields.provider is not _ABSENT or fields.priority is not _ABSENT:
            steering = {name: raw for name in STEERING if (raw := getattr(fields, name)) is not _ABSENT}
            if steering.keys() >= _walk(body).keys():  # walked now: taking them out must not fail later
                raise BadBody("the request body holds nothing but steering fields")
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadBody(f"the request body is not valid JSON: {error}") from None
    return Peek(fields.model or "", model_at, stream, fields.stream_options, options_at, wrap, steering)


def _explained(text: str) -> BadBody:
    reason = text.split(" - at")[0]
    for field in ("model", "stream_options", "stream"):
        if f"$.{field}" in text:
            return BadBody(f"invalid '{field}': {reason}", field)
    return BadBody(f"the request body must be a JSON object: {reason}")


def _model_at(body: bytes) -> Range:
    """Where the model's value stands between its quotes.

    The token ``"model"`` cannot occur inside a JSON string (the quotes would be escaped there). So a body that holds
    it once, and no ``\\u00`` that could spell another, holds exactly the key that was decoded. Others are walked, and
    so are long ones: reading the keys costs less than searching a prompt.
    """
    at = body.find(_MODEL) if len(body) < LONG else -1
    if at >= 0 and body.find(_MODEL, at + 7) < 0 and b"\\u00" not in body:
        found = _PLAIN.match(body, at + 7)
        if found is not None:
            return found.span(1)
    start, end = _walk(body)["model"]
    return start + 1, end - 1


def _no_model(body: bytes) -> tuple[Range, tuple[bytes, bytes]]:
    """Where a model would go, and what around it makes it a field."""
    fields = _walk(body)
    if "model" in fields:  # null
        return fields["model"], (b'"', b'"')
    start = body.index(b"{") + 1
    return (start, start), (b'"model":"', b'",' if fields else b'"')


def _options_at(body: bytes, options: dict[str, object] | None) -> Range:
    start = body.index(b"{") + 1
    if options is None and len(body) < LONG and b'"stream_options"' not in body and b"\\u00" not in body:
        return start, start
    return _walk(body).get("stream_options", (start, start))


def members(body: bytes) -> list[tuple[str, Range]]:
    """Top-level keys in order, each with the range from the end of the member before it to its own."""
    at = body.index(b"{") + 1
    found = []
    for key, (_, end) in _walk(body).items():
        found.append((key, (at, end)))
        at = end
    return found


def _walk(body: bytes) -> dict[str, Range]:
    """Top-level key -> byte range of its raw value.

    A decoder gives each value's length, so only the keys are read here. A key given twice shows as a key out of step.

    Raises:
        BadBody: a top-level key is given twice: upstreams may disagree about which one counts.
    """
    at = body.index(b"{") + 1
    ranges: dict[str, Range] = {}
    for key, raw in _decode_raw(body).items():
        opened = _end(_GAP, body, at) + 1
        closed = _end(_STRING, body, opened)
        if closed < 0 or not _spells(body[opened - 1 : closed], key):
            break
        start = _end(_COLON, body, closed)
        at = start + memoryview(raw).nbytes
        ranges[key] = (start, at)
    if body[at:].strip() != b"}":
        raise BadBody("a field of the request body is given twice; 'model' must be given once", "model")
    return ranges


def _spells(token: bytes, key: str) -> bool:
    try:
        return bool(msgspec.json.decode(token) == key)
    except (msgspec.DecodeError, UnicodeDecodeError):  # out of step: not a token at all
        return False


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    found = pattern.match(body, at)
    return found.end() if found else -1


def _peek_form(body: bytes, content_type: bytes) -> Peek:
    try:
        fields = form.fields(body, content_type, (b"model", b"stream"))
        at, wrap = (0, (b"", b"")) if b"model" in fields else form.opening(body, content_type)
    except ValueError as error:
        raise BadBody(str(error)) from None
    flag = fields.get(b"stream", (0, 0))
    stream = body[flag[0] : flag[1]].strip().lower() == b"true"
    if b"model" not in fields:
        return Peek("", (at, at), stream, model_wrap=wrap)
    start, end = fields[b"model"]
    if start == end:
        raise _no_name()
    return Peek(body[start:end].decode("utf-8", "replace"), (start, end), stream)


def _no_name() -> BadBody:
    return BadBody("invalid 'model': it must not be empty", "model")
