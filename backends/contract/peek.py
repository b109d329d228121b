"""The narrow read of a body: the routing fields and their byte ranges. Everything else stays bytes."""

import re

import msgspec

from backends.contract import form
from backends.contract.facts import NOWHERE, Facts, Range, decode_fields
from backends.contract.families import Family

LONG = 16 * 1024  # bytes; from here on a walk over the keys is cheaper than a search through the body


class BadBody(Exception):
    """The body cannot be routed. ``param``: the field at fault, where there is one."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


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
_OPENING = (1, 1)  # just within the brace that a compact body begins with
_decode = msgspec.json.Decoder(_Body).decode
_decode_options = msgspec.json.Decoder(dict[str, object] | None).decode
_COLON = re.compile(rb"\s*:\s*")
_MODEL = b'"model"'
_PLAIN = re.compile(rb'\s*:\s*"([^"\\]*)"')  # what follows a key: a string without escapes
_GAP = re.compile(rb"[\s,]*")
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def peek(family: Family, body: bytes, content_type: bytes) -> Facts:
    """The facts of a body, with ``model``, the stream fields and the steering fields read.

    Raises:
        BadBody: not JSON (or not a form), an unusable ``model``, or ``model`` given twice.
    """
    if family.form:
        return _peek_form(family, body, content_type)
    return _peek_compact(family, body) or _peek_any(family, body)


def _peek_compact(family: Family, body: bytes) -> Facts | None:
    """Of a body as most clients write it, with nothing in it that needs a second look; None: another."""
    try:
        fields = decode_fields(body)
        ranges = _compact(body, fields)
        if ranges is None or "model" not in ranges or not _STEERING.isdisjoint(ranges):
            return None
        start, end = ranges["model"]
        options = _decode_options(fields["stream_options"]) if "stream_options" in fields else None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    stream = bytes(fields["stream"]) if "stream" in fields else b"false"
    if stream not in _FLAGS or not _NAME.fullmatch(body, start, end):
        return None
    streamed = stream == b"true"
    at = ranges.get("stream_options", _OPENING) if streamed and family.usage_option else NOWHERE
    # By position, since keywords take longer: this is on the way of every request.
    return Facts(
        family=family,
        body=body,
        model=body[start + 1 : end - 1].decode(),
        model_at=(start + 1, end - 1),
        stream=streamed,
        stream_options=options,
        options_at=at,
        decoded=fields,
    )


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


def _peek_any(family: Family, body: bytes) -> Facts:
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
        steering = _steering(fields, body)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadBody(f"the request body is not valid JSON: {error}") from None
    return Facts(
        family=family,
        body=body,
        model=fields.model or "",
        model_at=model_at,
        stream=stream,
        stream_options=fields.stream_options,
        options_at=options_at,
        model_wrap=wrap,
        steering=steering,
    )


def _steering(fields: _Body, body: bytes) -> dict[str, msgspec.Raw] | None:
    found = {name: raw for name in STEERING if (raw := getattr(fields, name)) is not _ABSENT}
    if found and found.keys() >= _walk(body).keys():  # walked now: taking them out must not fail later
        raise BadBody("the request body has only steering fields (models, provider)")
    return found or None


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
    for key, raw in decode_fields(body).items():
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


def _peek_form(family: Family, body: bytes, content_type: bytes) -> Facts:
    try:
        fields = form.fields(body, content_type, (b"model", b"stream"))
        at, wrap = (0, (b"", b"")) if b"model" in fields else form.opening(body, content_type)
    except ValueError as error:
        raise BadBody(str(error)) from None
    flag = fields.get(b"stream", (0, 0))
    stream = body[flag[0] : flag[1]].strip().lower() == b"true"
    if b"model" not in fields:
        return Facts(family, body, model_at=(at, at), stream=stream, model_wrap=wrap)
    start, end = fields[b"model"]
    if start == end:
        raise _no_name()
    model = body[start:end].decode("utf-8", "replace")
    return Facts(family, body, model=model, model_at=(start, end), stream=stream)


def _no_name() -> BadBody:
    return BadBody("invalid 'model': it must not be empty", "model")
