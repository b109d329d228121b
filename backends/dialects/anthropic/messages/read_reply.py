"""Reads a messages reply, streamed or whole, as reply events.

Blocks of tools that Anthropic runs itself are not the client's to answer, so they make no event.
"""

import msgspec

from backends.contract.conversation import ABSENT, ANTHROPIC, present
from backends.contract.events import (
    CallDelta,
    CallStart,
    Event,
    Finish,
    RefusalDelta,
    Signature,
    Start,
    TextDelta,
    ThoughtDelta,
    UsageSeen,
)
from backends.contract.faults import in_band
from backends.contract.usage import Counted
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import NO_USAGE

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
    "pause_turn": "pause",
}
_TIERS = {"standard": "default", "priority": "priority"}


class _Count(Counted):
    service_tier: str | None = None


class _Block(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    data: str = ""
    id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _Details(msgspec.Struct):
    explanation: str | None = None


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    partial_json: str = ""
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _Details | None = None


class _Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: list[_Block] = []
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: _Details | None = None
    usage: _Count | None = None


class _Event(msgspec.Struct):
    type: str
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Count | None = None
    error: msgspec.Raw = ABSENT


class _Whole(_Message):
    type: str = ""
    error: msgspec.Raw = ABSENT


_decode_event = msgspec.json.Decoder(_Event).decode
_decode_whole = msgspec.json.Decoder(_Whole).decode


class MessagesMeaning:
    """A Meaning: what each stream event says."""

    __slots__ = ("_argued", "_block", "_call", "_calls", "_counted", "_signature", "fault", "finished")

    def __init__(self) -> None:
        self._block = ""  # the open block's type
        self._calls = 0
        self._call = -1  # the open block's number among the calls
        self._argued = False  # some of its arguments came
        self._signature = ""
        self._counted = _Count()
        self.finished = False
        self.fault: Fault | None = None

    def read(self, data: bytes) -> list[Event]:
        event = _decode_event(data)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                return self._delta(event.delta)
            case "content_block_start" if event.content_block is not None:
                return self.open(event.content_block)
            case "content_block_stop":
                return self.shut()
            case "message_start" if event.message is not None:
                return [Start(event.message.id, event.message.model), *self.count(event.message.usage)]
            case "message_delta" if event.delta is not None:
                return [*self.count(event.usage), *self.finish(event.delta)]
            case "message_stop":
                self.finished = True
            case "error":
                self.fault = in_band(bytes(event.error) or b"null")
        return []

    def open(self, block: _Block) -> list[Event]:
        """A block begins, with its initial content."""
        self._block = block.type
        self._signature = block.signature
        if block.type == "text":
            return [TextDelta(block.text)] if block.text else []
        if block.type == "thinking":
            return [ThoughtDelta(block.thinking)] if block.thinking else []
        if block.type == "redacted_thinking":
            return [Signature(redacted=block.data, origin=ANTHROPIC)]
        if block.type == "tool_use":
            self._call, self._argued = self._calls, False
            self._calls += 1
            start = CallStart(self._call, block.id, block.name)
            return [start, *self._argue("" if bytes(block.input) in (b"{}", b"null") else bytes(block.input).decode())]
        return []

    def shut(self) -> list[Event]:
        """The block is complete; a call without arguments gets ``{}``."""
        last: list[Event] = []
        if self._block == "tool_use" and not self._argued:
            last = self._argue("{}")
        if self._block == "thinking" and self._signature:
            last = [Signature(self._signature, origin=ANTHROPIC)]
        self._block = ""
        return last

    def finish(self, delta: _Delta | _Message) -> list[Event]:
        """Why the message ended, where it did."""
        if delta.stop_reason is None:
            return []
        explanation = delta.stop_details.explanation if delta.stop_details else None
        refusal: list[Event] = [RefusalDelta(explanation)] if explanation else []
        return [*refusal, Finish(FINISH.get(delta.stop_reason, "stop"), delta.stop_sequence or "")]

    def count(self, counted: _Count | None) -> list[Event]:
        """Usage so far: counts are totals, so the last one of each wins."""
        if counted is None:
            return []
        for name in counted.__struct_fields__:
            value = getattr(counted, name)
            if value is not None:
                setattr(self._counted, name, value)
        usage = self._counted.usage()
        return [] if usage is NO_USAGE else [UsageSeen(usage, _TIERS.get(self._counted.service_tier or "", ""))]

    def _delta(self, delta: _Delta) -> list[Event]:
        if delta.type == "text_delta" and self._block == "text":
            return [TextDelta(delta.text)]
        if delta.type == "input_json_delta" and self._block == "tool_use":
            return self._argue(delta.partial_json)
        if delta.type == "thinking_delta":
            return [ThoughtDelta(delta.thinking)]
        if delta.type == "signature_delta":
            self._signature += delta.signature
        return []

    def _argue(self, fragment: str) -> list[Event]:
        self._argued = self._argued or bool(fragment)
        return [CallDelta(self._call, fragment)] if fragment else []


def parse_message(body: bytes) -> list[Event] | Fault:
    """The events of an answer that is not streamed.

    Raises:
        msgspec.DecodeError, ValueError: malformed.
    """
    message = _decode_whole(body)
    if present(message.error):
        return in_band(bytes(message.error))
    if message.stop_reason is None:
        raise ValueError("it has no stop_reason")
    meaning = MessagesMeaning()
    events: list[Event] = [Start(message.id, message.model)]
    for block in message.content:
        events += meaning.open(block)
        events += meaning.shut()
    return events + meaning.count(message.usage) + meaning.finish(message)
