"""The harness. Rule: a dialect is driven as the gateway drives it: by its adapter and its decoder."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from backends.contract.adapter import Incoming, Wire
from backends.contract.credentials import Fixed
from backends.contract.decoder import Decoder
from backends.contract.dialect import Dialect
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.families import FAMILY
from backends.contract.headers import JSON as JSON_HEADERS
from backends.contract.peek import peek
from backends.serving.translated import Translated
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Request, Usage

SSE = b"text/event-stream"
JSON = b"application/json"


class Case(msgspec.Struct, frozen=True):
    """One exchange. ``asked``: fields of a chat request beside the defaults. ``sent``: fields of the wire body.

    ``whole`` and ``stream`` are the same answer, both ways. ``told``: fields of the chat message it becomes; ``finish``
    its finish_reason; ``usage`` what it counted.
    """

    name: str
    whole: bytes
    stream: tuple[bytes, ...]
    asked: dict[str, Any] = {}
    sent: dict[str, Any] = {}
    told: dict[str, Any] = {}
    finish: str = "stop"
    usage: Usage = Usage()


class Refusal(msgspec.Struct, frozen=True):
    """A reply outside 2xx and what it means."""

    name: str
    status: int
    body: bytes
    failure: Failure
    headers: Mapping[bytes, bytes] = {}
    retry_after: float | None = None
    credential: bool = False


class Broken(msgspec.Struct, frozen=True):
    """A stream that does not end well, and what it means."""

    name: str
    stream: tuple[bytes, ...]
    failure: Failure


class Provider(msgspec.Struct, frozen=True):
    """All that is known of one provider. ``stream_type``: the content type of its streams."""

    name: str
    dialect: Dialect
    model: str
    cases: tuple[Case, ...]
    refusals: tuple[Refusal, ...]
    broken: tuple[Broken, ...]
    stream_type: bytes = SSE

    def adapter(self, *, drop: bool = False) -> Translated:
        place = EndpointAddress("http://upstream.test/v1", Fixed(), {})
        return Translated(place, self.model, self.dialect, lambda: 1_700_000_000.0, drop=drop)


def chat(asked: Mapping[str, Any], *, stream: bool) -> bytes:
    """A chat request's body."""
    body: dict[str, Any] = {"model": "public", "messages": [{"role": "user", "content": "hi"}], **asked}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return msgspec.json.encode(body)


def door(family: str, *, stream: bool) -> bytes:
    """The smallest request of a door."""
    said = {"input": "hi"} if family == "responses" else {"messages": [{"role": "user", "content": "hi"}]}
    options = {"stream_options": {"include_usage": True}} if stream and family == "chat" else {}
    limit = {"max_tokens": 100} if family == "messages" else {}
    return msgspec.json.encode({"model": "public", "stream": stream, **said, **options, **limit})


def incoming(family: str, body: bytes) -> Incoming:
    seen = peek(FAMILY[family], body, JSON)
    request = Request(family, "public", seen.stream, 1, 0.0, seed=0xFEED)
    return Incoming(request, seen, JSON_HEADERS)


def encode(provider: Provider, asked: Mapping[str, Any], *, stream: bool = False, drop: bool = False) -> Wire:
    return provider.adapter(drop=drop).encode(incoming("chat", chat(asked, stream=stream)))


def answered(provider: Provider, family: str, pieces: Iterable[bytes], *, stream: bool) -> tuple[bytes, Decoder]:
    """What a client of that door gets for these reply bytes, and the decoder that made it."""
    came = incoming(family, door(family, stream=stream))
    adapter = provider.adapter()
    adapter.encode(came)
    decoder = adapter.decoder(came, provider.stream_type if stream else JSON)
    out = b"".join(decoder.feed(piece) for piece in pieces)
    return out + decoder.close(), decoder


def events(body: bytes) -> list[dict[str, Any]]:
    """The JSON events of a stream of ours; its [DONE] must be the last."""
    datas = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    if b"[DONE]" in datas:
        assert datas.index(b"[DONE]") == len(datas) - 1
        datas.pop()
    return [msgspec.json.decode(data) for data in datas]
