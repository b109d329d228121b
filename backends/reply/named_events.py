"""Streams with typed events (responses, messages, images, transcriptions): events pass unchanged; their types are
read.
"""

# compiled

import msgspec

from backends.contract import sse
from backends.contract.faults import in_band
from backends.reply.event_schema import Event, Inner
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE, Usage

#: Events that carry no content: held until content comes, so that an error after them can still fail over.
PREAMBLE = frozenset(
    {
        "response.created",
        "response.queued",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_part.added",
        "response.reasoning_summary_part.added",
        "message_start",
        "content_block_start",
        "ping",
        "keepalive",
    }
)
PINGS = frozenset({"ping", "keepalive"})
ERRORS = frozenset({"error", "response.failed"})
LAST = frozenset(
    {
        "response.completed",
        "response.incomplete",
        "message_stop",
        "image_generation.completed",
        "image_edit.completed",
        "transcript.text.done",
        "speech.audio.done",
    }
)

_decode = msgspec.json.Decoder(Event).decode
_NO_ERROR = (b"", b"null", b'""')


class TypedStream:
    """Reads a stream of events that name their type."""

    __slots__ = (
        "_events",
        "_finished",
        "_malformed",
        "_untyped",
        "committed",
        "fault",
        "generated",
        "progressed",
        "usage",
    )
    head = None

    def __init__(self) -> None:
        self._events = sse.Events()
        self._finished = False
        self._malformed = False  # an event that is not JSON was skipped
        self._untyped = False  # chat-like chunks, as vLLM transcribes: [DONE] ends these
        self.committed = False
        self.progressed = False
        self.generated = 0
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE

    def feed(self, data: bytes) -> bytes:
        try:
            whole = self._events.feed(data)
        except sse.EventTooLong:
            self.fault = Fault(Failure.MALFORMED, "the upstream sent an event without end")
            return b""
        self.progressed = False
        if not whole:
            return whole
        events = sse.split(whole)
        kept = [event for event in events if self._keep(event)]
        return whole if len(kept) == len(events) else b"".join(kept)

    def _keep(self, event: bytes) -> bool:
        """Read one event; False: it is not for the client."""
        if self.fault is not None:
            return False
        data = sse.payload(event)
        if not data or data == b"[DONE]":
            self._finished = self._finished or bool(data and self._untyped)
            return True
        try:
            decoded = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            sound = sse.is_json(data)  # then it has another shape, which the client may know
            self._malformed = self._malformed or not sound
            return sound
        kind = decoded.type
        error = bytes(decoded.response.error if decoded.response else decoded.error)
        if kind in ERRORS or (not kind and error not in _NO_ERROR):
            self.fault = in_band(data if error in _NO_ERROR else error)
            return False
        self._untyped = self._untyped or not kind
        self.progressed = self.progressed or kind not in PINGS
        self.generated += kind.endswith("delta") and kind != "message_delta"
        self.committed = self.committed or kind not in PREAMBLE
        self._finished = self._finished or kind in LAST
        self._count(decoded)
        return True

    def _count(self, event: Event) -> None:
        inner = event.response or (event.message if isinstance(event.message, Inner) else None)
        counted = event.usage or (inner.usage if inner else None)
        usage = counted.usage() if counted else NO_USAGE
        if usage is NO_USAGE:
            return
        if usage.prompt == 0 and self.usage.prompt:  # Anthropic's last event counts the output alone
            usage = msgspec.structs.replace(self.usage, completion=usage.completion, reasoning=usage.reasoning)
        self.usage = usage

    def close(self) -> bytes:
        if self.fault is None and not self._finished:
            if self._malformed:
                self.fault = Fault(Failure.MALFORMED, "the upstream's stream is malformed")
            else:
                self.fault = Fault(Failure.BROKEN_STREAM, "the upstream's stream was cut off")
        return b""
