"""Chat and completion streams passed through: chunks stay bytes; only usage that the client did not request is removed.

Before the commit every event is read. After it one is read only when it may hold more than a delta: a finish, usage, an
error, [DONE], a comment, or another choice than the first. A delta that differs from the one before it in its text
alone is not looked through: it passes as that one did. What is not JSON is skipped: the stream may well go on.
"""

# compiled

import re

import msgspec

from backends.contract import sse
from backends.contract.faults import in_band
from backends.reply.chunk_schema import Choice, Chunk, Delta
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE, Usage

_EMPTY = (b"", b"null", b'""', b"[]", b"{}")
_decode = msgspec.json.Decoder(Chunk).decode
_CONTENT = b'"choices":[{"index":0,"delta":{"content":"'
_finish = re.compile(rb'"finish_reason"\s*:\s*"').search
_error_event = re.compile(rb"event: ?error\s").match
_FIRST = (b"", b"null", b"0")


class ChatStream:
    """Reads a stream of chat.completion.chunk or text_completion events."""

    __slots__ = (
        "_after",
        "_before",
        "_events",
        "_finished",
        "_hide_usage",
        "_malformed",
        "_others",
        "committed",
        "fault",
        "generated",
        "progressed",
        "usage",
    )
    head = None

    def __init__(self, hide_usage: bool) -> None:
        self._events = sse.Events()
        self._before = self._after = b""  # of a delta that passed, around its content; empty: none did
        self._hide_usage = hide_usage
        self._finished = False  # the first choice has a finish_reason
        self._others: dict[bytes, bool] | None = None  # the other choices, and whether each has one
        self._malformed = False
        self.committed = False
        self.progressed = False
        self.generated = 0
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE

    def feed(self, data: bytes) -> bytes:
        before, after = self._before, self._after
        if (
            before
            and data.startswith(before)
            and data.endswith(after)
            and data.find(b'"', len(before)) == len(data) - len(after)
            and data.find(b"\n", len(before)) == len(data) - 2
            and b"\r" not in data
        ):
            self.generated += 1
            return data
        if (  # one delta in one packet: a look at the bytes, and they pass
            self.committed
            and data.find(b"\n\n") == len(data) - 2
            and b'"finish_reason":null' in data
            and b'"usage"' not in data
            and b'"error"' not in data
            and data[:7] == b"data: {"
            and data[-5:] == b"}]}\n\n"
            and b'"choices":[{"index":0,' in data
            and b"\r" not in data
            and self.fault is None
            and not self._events.held
        ):
            self.progressed = True
            self.generated += 1
            self._note_shape(data)
            return data
        return self._feed_events(data)

    def _feed_events(self, data: bytes) -> bytes:
        """Bytes that are no single delta: the events they complete, unread where each is a delta of one choice."""
        self._before = b""
        try:
            whole = self._events.feed(data)
        except sse.EventTooLong:
            self.fault = Fault(Failure.MALFORMED, "the upstream sent an event without end")
            return b""
        if (
            self.committed
            and self.fault is None
            and b'"usage"' not in whole
            and _finish(whole) is None
            and b'"error"' not in whole
            and b"\r" not in whole
            and 0
            < (events := whole.count(b"\n\n"))
            == whole.count(b"}]}\n\n")
            == whole.count(b'"choices":[{"index":0,')
        ):
            self.progressed = True
            self.generated += events
            return whole
        self.progressed = False
        return self._read(whole) if whole else whole

    def _note_shape(self, delta: bytes) -> None:
        """What stands around the text of a delta that passed: all that it was found to hold is there."""
        start = delta.find(_CONTENT) + len(_CONTENT)
        end = delta.find(b'"', start)
        before, after = delta[:start], delta[end:]
        if start >= len(_CONTENT) and b"\n" not in before and b'"finish_reason":null' in after:
            self._before, self._after = before, after

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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            sound = sse.is_json(data)  # then it has another shape, which the client may know
            self._malformed = self._malformed or not sound
            return sound
        error = bytes(chunk.error)
        if error in _EMPTY and _error_event(event):
            error = data
        if error not in _EMPTY:
            self.fault = in_band(error)
            return False
        self.progressed = self.progressed or bool(chunk.choices) or chunk.usage is not None
        for choice in chunk.choices or ():
            self._note(choice)
        if chunk.usage is not None:
            self.usage = chunk.usage.usage()
            return bool(chunk.choices) or not self._hide_usage
        return True

    def _note(self, choice: Choice) -> None:
        finished = bool(choice.finish_reason)
        index = bytes(choice.index)
        if index in _FIRST:
            self._finished = self._finished or finished
        else:
            others = self._others = {} if self._others is None else self._others
            others[index] = finished or others.get(index, False)
        content = bool(choice.text) or _has_content(choice.delta)
        self.generated += content
        self.committed = self.committed or finished or content

    def _is_whole(self) -> bool:
        """Every choice that began has its finish_reason."""
        others = self._others
        return (self._finished or others is not None) and (others is None or all(others.values()))

    def _done(self) -> bool:
        if not self._is_whole():  # vLLM ends so when its engine is killed
            self.fault = Fault(Failure.BROKEN_STREAM, "the upstream ended its stream without a finish_reason")
            return False
        return True

    def close(self) -> bytes:
        tail = self._events.tail
        if self.fault is not None:
            return b""
        if self._is_whole():
            return tail if sse.payload(tail) == b"[DONE]" else b""  # all it lacks is the blank line
        if self._malformed:
            self.fault = Fault(Failure.MALFORMED, "the upstream's stream is malformed")
        else:
            self.fault = Fault(Failure.BROKEN_STREAM, "the upstream's stream was cut off")
        return b""


def _has_content(delta: Delta | None) -> bool:
    if delta is None:
        return False
    said = (delta.content, delta.reasoning_content, delta.reasoning, delta.refusal)
    return any(bytes(raw) not in _EMPTY for raw in (*said, delta.tool_calls, delta.function_call, delta.audio))
