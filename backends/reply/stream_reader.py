"""Framing of translated streams; a dialect's interpreter gives the frames their meaning.

A dialect that streams server-sent events gives `SseReader` a Meaning; one with another framing wraps its own around the
same Meaning. A whole answer is read by `WholeReader`.
"""

# compiled

from collections.abc import Callable
from typing import Protocol

import msgspec

from backends.contract import sse
from backends.contract.events import Event
from policies.vocabulary.failure import Failure, Fault


class EventInterpreter(Protocol):
    """What a dialect's events mean. ``finished``: the answer is whole. ``fault``: an error came in the stream."""

    finished: bool
    fault: Fault | None

    def read(self, data: bytes) -> list[Event]:
        """The reply events of one stream event's data.

        Raises:
            msgspec.DecodeError, ValueError: malformed; it is skipped, and counts if the stream then ends unfinished.
        """
        ...


class SseReader:
    """A ReplyReader of server-sent events."""

    __slots__ = ("_events", "_malformed", "_meaning", "fault")

    def __init__(self, meaning: EventInterpreter) -> None:
        self._events = sse.Events()
        self._meaning = meaning
        self._malformed = False
        self.fault: Fault | None = None

    def feed(self, data: bytes) -> list[Event]:
        try:
            whole = self._events.feed(data)
        except sse.EventTooLong:
            self.fault = Fault(Failure.MALFORMED, "the upstream sent an event without end")
            return []
        return [event for one in sse.split(whole) for event in self._read(sse.payload(one))] if whole else []

    def close(self) -> list[Event]:
        last = self._read(sse.payload(self._events.tail))  # all it may lack is the blank line
        if self.fault is None and not self._meaning.finished:
            self.fault = unfinished(self._malformed)
        return last

    def _read(self, data: bytes) -> list[Event]:
        if not data or self.fault is not None:
            return []
        try:
            events = self._meaning.read(data)
        except (msgspec.DecodeError, ValueError, RecursionError):
            self._malformed = True
            return []
        self.fault = self._meaning.fault
        return events


class WholeReader:
    """A ReplyReader of one JSON body; ``parse`` makes it the events it would have been as a stream.

    ``parse`` returns a Fault where the body holds an error or no answer, and raises DecodeError or ValueError where it
    is malformed.
    """

    __slots__ = ("_parse", "_parts", "fault")

    def __init__(self, parse: Callable[[bytes], list[Event] | Fault]) -> None:
        self._parse = parse
        self._parts: list[bytes] = []
        self.fault: Fault | None = None

    def feed(self, data: bytes) -> list[Event]:
        self._parts.append(data)
        return []

    def close(self) -> list[Event]:
        body = b"".join(self._parts)
        if not body.strip():
            self.fault = Fault(Failure.MALFORMED, "the upstream's answer is empty")
            return []
        try:
            read = self._parse(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.fault = Fault(Failure.MALFORMED, f"the upstream's answer is malformed: {error}")
            return []
        if isinstance(read, Fault):
            self.fault = read
            return []
        return read


def unfinished(malformed: bool) -> Fault:
    """The fault of a stream that ended before its answer did."""
    if malformed:
        return Fault(Failure.MALFORMED, "the upstream's stream is malformed")
    return Fault(Failure.BROKEN_STREAM, "the upstream's stream was cut off")
