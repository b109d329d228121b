"""What is fuzzed. Rule: each target takes any bytes, and fails only by an exception: that is a defect."""

import msgspec

from backends.contract import faults, retry_after, usage
from backends.contract.adapter import Incoming, Origin, Wire
from backends.contract.decoder import Decoder
from backends.contract.families import FAMILIES, Family
from backends.contract.headers import NO_HEADERS
from backends.contract.peek import STEERING, BadBody, peek
from backends.dialects.openai.openai import OpenAI
from backends.recover.continuation_modes import Continuing, Realigning, Restarting
from backends.recover.spliced_stream import DONE, Join, Mend, SplicedStream, ending
from backends.recover.transcript import TranscriptRecorder
from backends.reply.chat_stream import ChatStream
from backends.reply.named_events import TypedStream
from backends.reply.tool_call_buffer import HeldCalls
from backends.reply.whole_reply import Unexpected, WholeBody
from backends.transports.connection import Connection
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Request
from tests.contracts_providers.harness import Provider, answered
from tests.fuzz.samples import FORM_TYPE

CHAT = FAMILIES[0]
FORM = next(family for family in FAMILIES if family.form)
ADAPTER = OpenAI("http://h/v1", 'up"stream\u2028', {}, v1_in_root=True)


def sent(family: Family, body: bytes, content_type: bytes) -> bytes | None:
    """The body an upstream gets; None: the client is told why not."""
    try:
        found = peek(family, body, content_type)
    except BadBody as refused:
        assert str(refused)
        return None
    request = Request(family.name, found.model, found.stream, 1, 0.0)
    return ADAPTER.encode(Incoming(request, found)).body


def json_body(data: bytes) -> None:
    """What is spliced is what an edit of the JSON would give."""
    for family in (CHAT, FAMILIES[2]):
        result = sent(family, data, b"application/json")
        if result is None:
            continue
        try:
            expected = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except UnicodeDecodeError:  # in a key that is not ours: it is the upstream's to refuse
            continue
        found = msgspec.json.decode(result, type=dict[str, msgspec.Raw])
        assert msgspec.json.decode(found.pop("model")) == 'up"stream\u2028'
        for name in ("model", *STEERING):
            expected.pop(name, None)
        streamed = found.pop("stream_options", None) != expected.pop("stream_options", None)
        assert {k: bytes(v) for k, v in found.items()} == {k: bytes(v) for k, v in expected.items()}
        assert not streamed or family is CHAT


def form_body(data: bytes) -> None:
    """A form that is read keeps every byte but the model's."""
    result = sent(FORM, data, FORM_TYPE)
    if result is not None:
        assert b'up"stream' in result
        assert data.rpartition(b"--bound")[2] == result.rpartition(b"--bound")[2]


def content_type(data: bytes) -> None:
    sent(FORM, b"--bound\r\n\r\n\r\n--bound--\r\n", data)


def relay(decoder: Decoder, parts: list[bytes]) -> tuple[bytes, Fault | None, object]:
    out = b""
    for part in parts:
        faulted = decoder.fault is not None
        said = decoder.feed(part)
        assert not (faulted and said), "forwarded after a fault"
        out += said
    return out + decoder.close(), decoder.fault, decoder.usage


def stream(parts: list[bytes]) -> None:
    """However it is cut, it reads the same; and an end without a fault is a whole answer."""
    whole = b"".join(parts)
    for make in (lambda: ChatStream(True), lambda: ChatStream(False), TypedStream):
        once, pieced = relay(make(), [whole]), relay(make(), parts)
        assert (once[1] is None) == (pieced[1] is None), (once, pieced)
        if isinstance(make(), ChatStream) and once[1] is None:
            assert b"finish_reason" in once[0]


def mended(dead: bytes, alive: bytes) -> None:
    """Whatever a stream said before it died, and whatever the one says that takes over."""
    keeper, decoder = TranscriptRecorder(lambda data: None), ChatStream(False)
    keeper.write(decoder.feed(dead))
    kept = keeper.all()
    joins: list[Join] = [Continuing(kept, ("yes", "hi"), True), Realigning(kept), Restarting(kept)]
    for join in joins:
        seam = SplicedStream(HeldCalls(ChatStream(True)), Mend(join, kept, b": recovered\n\n", True, 10))
        out, fault, _ = relay(seam, [alive])
        assert fault is not None or b"data:" in out
        assert seam.received().completion >= 0
    assert ending(kept, CHAT.name, seam.received()).endswith(DONE)


def translated(provider: Provider, family: str, parts: list[bytes], streamed: bool) -> None:
    """Another dialect's answer is told whole, or is a fault."""
    body, decoder = answered(provider, family, parts, stream=streamed)
    assert decoder.fault is None or (decoder.fault.message and not body.endswith(DONE))
    assert decoder.fault is not None or body


def answer(data: bytes) -> None:
    for decoder in (WholeBody(True), WholeBody(False), Unexpected("a whole one", "a stream")):
        _, fault, _ = relay(decoder, [data])
        assert fault is None or fault.message
    try:
        usage.of_body(data)
    except ValueError:
        pass


def refusal(status: int, header: bytes, body: bytes) -> None:
    for name in (b"retry-after", b"retry-after-ms", b"x-ratelimit-reset-tokens"):
        said = {name: header, b"date": header[::-1] or b"x", b"x-ratelimit-remaining-tokens": b"0"}
        fault = faults.of_reply(status, said, body)
        assert fault.message is not None
        assert fault.retry_after is None or 0 <= fault.retry_after < float("inf")
    if body:
        faults.in_band(body)
    retry_after.of_body(body)


class Wires:
    """Stands where asyncio has a transport: the bytes come from the fuzzer."""

    closed = False

    def write(self, data: bytes) -> None: ...
    def is_closing(self) -> bool:
        return self.closed

    def abort(self) -> None:
        self.closed = True

    close = abort

    def get_write_buffer_size(self) -> int:
        return 0


class Hears:
    """A receiver and an owner: counts what it is told."""

    def __init__(self) -> None:
        self.heads = self.ends = 0

    def sent(self) -> None: ...
    def head(self, status: int, headers: dict[bytes, bytes]) -> None:
        assert 200 <= status <= 999 and not self.ends
        self.heads += 1

    def data(self, data: bytes) -> None:
        assert data and self.heads == 1 and not self.ends

    def end(self) -> None:
        assert self.heads == 1
        self.ends += 1

    def lost(self, fault: Fault, answered: bool = False) -> None:
        assert fault.message
        self.ends += 1

    def finished(self, reusable: bool) -> None: ...


def reply(parts: list[bytes]) -> None:
    """Any bytes of an upstream: exactly one end, and at most one head before it."""
    connection, wires, hears = Connection(), Wires(), Hears()
    connection.connection_made(wires)  # type: ignore[arg-type]
    connection.request(Wire(Origin("h", 1, False), b"/", NO_HEADERS), hears, hears)  # type: ignore[arg-type]
    for part in parts:
        if not wires.closed:
            connection.data_received(part)
    connection.connection_lost(None)
    assert hears.ends == 1 and hears.heads <= 1
