"""The adapter for every dialect that is not the client's: the client API's reader and writer around a provider's
dialect.

client's body -> door.read -> Conversation -> dialect.write -> wire
wire -> dialect.reader -> events -> api.reply -> client's bytes
"""

from collections.abc import Callable, Mapping

import msgspec

from backends.contract import faults
from backends.contract.adapter import Incoming, Unsendable, Wire
from backends.contract.decoder import Decoder
from backends.contract.dialect import Dialect, Inexpressible, ReplyReader, ReplyWriter, Written
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.events import CallDelta, Event, RefusalDelta, TextDelta, ThoughtDelta, UsageSeen, is_content
from backends.contract.media import inline
from backends.contract.peek import BadBody
from backends.contract.reply_context import Heading
from backends.serving.client_apis import ClientApi, client_api
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE, Usage

BYTES_PER_TOKEN = 4  # of text; some providers put many tokens in one event


class Translated:
    """One endpoint of a deployment that speaks another dialect than its clients.

    ``drop``: fields that the dialect cannot spell are left out and named in ``x-cloverleaf-dropped``; else they are
    refused. ``wall``: seconds since the epoch.
    """

    def __init__(
        self,
        place: EndpointAddress,
        model: str,
        dialect: Dialect,
        wall: Callable[[], float],
        *,
        drop: bool,
    ) -> None:
        self._place = place
        self._model = model
        self._dialect = dialect
        self._wall = wall
        self._drop = drop

    def encode(self, incoming: Incoming) -> Wire:
        api = client_api(incoming.facts.family)
        written = self._write(api, incoming)
        dropped = tuple(api.names.get(name, name) for name in written.dropped)
        if dropped and not self._drop:
            raise Unsendable(faults.unsupported(dropped, self._model))
        incoming.dropped = dropped
        return self._place.wire(incoming, written, self._dialect.takes)

    def _write(self, api: ClientApi, incoming: Incoming) -> Written:
        try:
            conversation = api.read(incoming.facts)
            if incoming.fetched:
                inline(conversation, incoming.fetched)
            return self._dialect.write(conversation, self._model)
        except (BadBody, Inexpressible) as problem:
            raise Unsendable(Fault(Failure.BAD_REQUEST, str(problem), param=problem.param)) from None

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        facts = incoming.facts
        api, stream = client_api(facts.family), facts.stream
        usage = bool(facts.stream_options and facts.stream_options.get("include_usage"))
        id = f"{incoming.request.seed:016x}"
        heading = Heading(
            id=id,
            model=self._model,
            created=int(self._wall()),
            stream=stream,
            include_usage=usage,
            request=facts.fields,
        )
        reader = self._dialect.reader(stream, content_type)
        return Translation(reader, api.reply(heading), stream, incoming.dropped)

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return foreign(self._dialect.fault(status, headers, body))


def foreign(fault: Fault) -> Fault:
    """A fault without the upstream's own body, which is in a dialect the client does not speak."""
    return msgspec.structs.replace(fault, body=b"") if fault.body else fault


class Translation:
    """A Decoder: reads one dialect, forwards another."""

    __slots__ = ("_reader", "_said", "_stream", "_writer", "committed", "fault", "head", "progressed", "usage")

    def __init__(self, reader: ReplyReader, writer: ReplyWriter, stream: bool, dropped: tuple[str, ...]) -> None:
        self._reader = reader
        self._writer = writer
        self._stream = stream
        self._said = 0  # bytes, about
        self.committed = False
        self.progressed = False
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE
        self.head = {b"content-type": b"text/event-stream; charset=utf-8" if stream else b"application/json"}
        if dropped:
            self.head[b"x-cloverleaf-dropped"] = ", ".join(dropped).encode("ascii", "replace")

    @property
    def generated(self) -> int:
        return -(-self._said // BYTES_PER_TOKEN)

    def feed(self, data: bytes) -> bytes:
        events = self._reader.feed(data)
        self.progressed = bool(events)
        return self._forward(events)

    def close(self) -> bytes:
        out = self._forward(self._reader.close())
        return out + self._writer.end() if self.fault is None else out

    def _forward(self, events: list[Event]) -> bytes:
        for event in events:
            if isinstance(event, UsageSeen):
                self.usage = event.usage
                continue
            if isinstance(event, TextDelta | ThoughtDelta | RefusalDelta):
                self._said += len(event.text)
            elif isinstance(event, CallDelta):
                self._said += len(event.arguments)
            if self._stream and not self.committed:  # what is not streamed commits on its whole body
                self.committed = is_content(event)
        if self._reader.fault is not None and self.fault is None:
            self.fault = foreign(self._reader.fault)
        return self._writer.write(events) if events else b""
