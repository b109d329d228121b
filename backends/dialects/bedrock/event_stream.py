"""Amazon's event-stream framing, read by botocore's parser; any split of the bytes gives the same frames."""

from botocore.eventstream import EventStreamBuffer, ParserError

from backends.contract.events import Event
from backends.dialects.bedrock.faults import of_exception
from backends.dialects.bedrock.reply import ConverseInterpreter
from backends.reply.stream_reader import unfinished
from policies.vocabulary.failure import Failure, Fault


class EventStreamReader:
    """A ReplyReader of application/vnd.amazon.eventstream."""

    __slots__ = ("_buffer", "_meaning", "fault")

    def __init__(self, meaning: ConverseInterpreter) -> None:
        self._buffer = EventStreamBuffer()
        self._meaning = meaning
        self.fault: Fault | None = None

    def feed(self, data: bytes) -> list[Event]:
        if self.fault is not None:
            return []
        events: list[Event] = []
        self._buffer.add_data(data)
        try:
            for frame in self._buffer:
                kind = frame.headers.get(":message-type")
                if kind != "event":
                    self.fault = of_exception(frame.headers, frame.payload)
                    break
                events += self._meaning.read(frame.headers.get(":event-type", ""), frame.payload)
                if self._meaning.fault is not None:
                    self.fault = self._meaning.fault
                    break
        except ParserError as error:  # a CRC that does not fit, an impossible length
            self.fault = Fault(Failure.MALFORMED, f"the upstream's event stream is damaged: {error}")
        except (ValueError, RecursionError) as error:
            self.fault = Fault(Failure.MALFORMED, f"the upstream's stream is malformed: {error}")
        return events

    def close(self) -> list[Event]:
        if self.fault is None and not self._meaning.finished:
            self.fault = unfinished(malformed=False)
        return []
