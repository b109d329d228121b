"""Chat streams. Rule: data-only chunks pass as the bytes they are; only the usage nobody asked for is taken out.

Before the commit every event is read. After it one is read only when it may hold more than a delta: a finish, usage, an
error, [DONE], or a comment.
"""

import msgspec

from backends import sse
from backends.faults import in_band
from backends.usage import Counted
from policies.failure import Failure, Fault
from policies.types import NO_USAGE, Usage


class _Delta(msgspec.Struct):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: msgspec.Raw | None = None
    refusal: str | None = None
    tool_calls: list[msgspec.Raw] | None = None
    function_call: msgspec.Raw | None = None
    audio: msgspec.Raw | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: Counted | None = None
    error: msgspec.Raw | None = None


_decode = msgspec.json.Decoder(_Chunk).decode
_EMPTY = (b"null", b'""')


class ChatStream:
    """Reads a stream of chat.completion.chunk or text_completion events."""

    __slots__ = (
        "_ended",
        "_events",
        "_finished",
        "_hide_usage",
        "_malformed",
        "committed",
        "fault",
        "progressed",
        "usage",
    )

    def __init__(self, hide_usage: bool) -> None:
        self._events = sse.Events()
        self._hide_usage = hide_usage
        self._finished = False  # a finish_reason was seen
        self._ended = False  # [DONE] was seen
        self._malformed = b""
        self.committed = False
        self.progressed = False
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE

    def feed(self, data: bytes) -> bytes:
        try:
            whole = self._events.feed(data)
        except sse.EventTooLong:
            self.fault = Fault(Failure.MALFORMED, "the upstream sent an event without end")
            return b""
        if (
            self.committed
            and whole[:5] == b"data:"
            and b'"usage"' not in whole
            and b'"finish_reason":"' not in whole
            and b'"finish_reason": "' not in whole
            and b'"error"' not in whole
            and b"[DONE]" not in whole
        ):
            self.progressed = True
            return whole
        self.progressed = False
        return self._read(whole) if whole else whole

    def _read(self, whole: bytes) -> bytes:
        events = sse.split(whole)
        kept = [event for event in events if self._keep(event)]
        return whole if len(kept) == len(events) else b"".join(kept)

    def _keep(self, event: bytes) -> bool:
        """Read one event; False: it is not for the client."""
        if self.fault is not None:
            return False
        data = sse.payload(event)
        if not data:
            return True
        if data == b"[DONE]":
            return self._done()
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._malformed = self._malformed or data[:200]
            return True
        self.progressed = True
        if chunk.error is not None and bytes(chunk.error) not in _EMPTY:
            self.fault = in_band(bytes(chunk.error))
            return False
        for choice in chunk.choices or ():
            self._note(choice)
        if chunk.usage is not None:
            self.usage = chunk.usage.usage()
            return bool(chunk.choices) or not self._hide_usage
        return True

    def _note(self, choice: _Choice) -> None:
        self._finished = self._finished or bool(choice.finish_reason)
        self.committed = self.committed or self._finished or bool(choice.text) or _has_content(choice.delta)

    def _done(self) -> bool:
        self._ended = True
        if not self._finished:  # vLLM ends so when its engine is killed
            self.fault = Fault(Failure.BROKEN_STREAM, "the upstream ended its stream without a finish_reason")
        return self._finished

    def close(self) -> bytes:
        if self.fault is None and not self._finished:
            if self._malformed:
                self.fault = Fault(Failure.MALFORMED, "the upstream's stream is malformed")
            else:
                self.fault = Fault(Failure.BROKEN_STREAM, "the upstream's stream was cut off")
        return b""


def _has_content(delta: _Delta | None) -> bool:
    if delta is None:
        return False
    if delta.content or delta.reasoning_content or delta.refusal or delta.tool_calls:
        return True
    return any(
        raw is not None and bytes(raw) not in _EMPTY for raw in (delta.reasoning, delta.function_call, delta.audio)
    )
