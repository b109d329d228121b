"""Reads chat replies, streamed or whole, as reply events."""

import msgspec

from backends.contract.conversation import ABSENT, GOOGLE, present
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
from backends.dialects.openai.chat.wire import ORIGINS
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE

_FINISH = {"function_call": "tool_calls", "eos": "stop", "end_turn": "stop"}
_NO_ERROR = (b"", b"null", b'""', b"{}")


class _Google(msgspec.Struct, gc=False):
    thought_signature: str = ""


class _Extra(msgspec.Struct, gc=False):
    google: _Google | None = None


class _Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: _Extra | None = None


class _Detail(msgspec.Struct, gc=False):
    signature: str | None = None
    data: str | None = None
    format: str | None = None


class _Piece(msgspec.Struct, gc=False):
    """Mistral's way: content as a list of parts."""

    type: str = "text"
    text: str = ""
    thinking: list["_Piece"] | None = None


class _Delta(msgspec.Struct):
    content: str | list[_Piece] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[_Detail] | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    stop_reason: str | int | None = None  # vLLM: the stop string that was met
    logprobs: msgspec.Raw = ABSENT


class _Chunk(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    created: int | float | None = None
    choices: list[_Choice] | None = None
    usage: Counted | None = None
    service_tier: str | None = None
    error: msgspec.Raw = ABSENT


_decode = msgspec.json.Decoder(_Chunk).decode


class ChatMeaning:
    """An EventInterpreter. The answer is complete when a finish_reason was seen for some choice and then [DONE], or the
    end, came."""

    __slots__ = ("_argued", "_calls", "_open", "_started", "fault", "finished")

    def __init__(self) -> None:
        self._started = False
        self._calls: dict[tuple[int, int], int] = {}  # (choice, the upstream's index) -> our number
        self._argued: set[tuple[int, int]] = set()  # calls that have arguments
        self._open: dict[int, tuple[int, int]] = {}  # choice -> the call that is being said
        self.finished = False
        self.fault: Fault | None = None

    def read(self, data: bytes) -> list[Event]:
        if data == b"[DONE]":
            if not self.finished:
                self.fault = Fault(Failure.BROKEN_STREAM, "the upstream ended its stream without a finish_reason")
            return []
        return self.chunk(_decode(data))

    def chunk(self, chunk: _Chunk) -> list[Event]:
        error = bytes(chunk.error)
        if error not in _NO_ERROR:
            self.fault = in_band(error)
            return []
        events: list[Event] = []
        if not self._started and (chunk.id or chunk.choices):
            self._started = True
            events.append(Start(chunk.id or "", chunk.model or "", int(chunk.created or 0)))
        for choice in chunk.choices or ():
            events += self._choice(choice)
        if chunk.usage is not None and (usage := chunk.usage.usage()) is not NO_USAGE:
            events.append(UsageSeen(usage, chunk.service_tier or ""))
        return events

    def _choice(self, choice: _Choice) -> list[Event]:
        events: list[Event] = []
        delta = choice.delta or choice.message
        if delta is not None:
            said = [*_thoughts(delta, choice.index), *_said(delta, choice)]
            shut = self._shut(choice.index) if said else []
            events = [*shut, *said, *self._called(delta, choice.index)]
        if choice.finish_reason:
            self.finished = True
            met = choice.stop_reason if isinstance(choice.stop_reason, str) else ""
            events += self._shut(choice.index)
            events.append(Finish(_FINISH.get(choice.finish_reason, choice.finish_reason), met, choice.index))
        return events

    def _called(self, delta: _Delta, choice: int) -> list[Event]:
        events: list[Event] = []
        legacy = [_Call(0, "call_0", delta.function_call)] if delta.function_call else []
        for position, call in enumerate([*(delta.tool_calls or ()), *legacy]):
            key = (choice, position if call.index is None else call.index)
            function = call.function or _Function()
            if key not in self._calls:
                events += self._shut(choice)
                self._open[choice] = key
                number = self._calls[key] = sum(1 for other, _ in self._calls if other == choice)
                google = call.extra_content.google if call.extra_content else None
                signature = google.thought_signature if google else ""
                id = call.id or f"call_{choice}_{number}"
                events.append(
                    CallStart(
                        index=number,
                        id=id,
                        name=function.name or "",
                        choice=choice,
                        signature=signature,
                        origin=GOOGLE if signature else "",
                    )
                )
            if function.arguments:
                if self._open.get(choice) != key:
                    self.fault = Fault(Failure.MALFORMED, "the upstream's tool calls are interleaved")
                    return events
                self._argued.add(key)
                events.append(CallDelta(self._calls[key], function.arguments, choice))
        return events

    def _shut(self, choice: int) -> list[Event]:
        """The open call is over; if it came without arguments, it is a call with none."""
        key = self._open.pop(choice, None)
        return [CallDelta(self._calls[key], "{}", choice)] if key is not None and key not in self._argued else []


def _said(delta: _Delta, choice: _Choice) -> list[Event]:
    events: list[Event] = []
    content = delta.content
    if isinstance(content, list):
        for piece in content:
            thought = "".join(inner.text for inner in piece.thinking or ())
            events.append(ThoughtDelta(thought, choice.index) if thought else TextDelta(piece.text, choice.index))
    elif content or (content is not None and present(choice.logprobs)):
        logprobs = choice.logprobs if present(choice.logprobs) else None
        if logprobs is not None:
            msgspec.json.decode(logprobs)  # raw bytes are passed on, and may not even be UTF-8
        events.append(TextDelta(content, choice.index, logprobs))
    if delta.refusal:
        events.append(RefusalDelta(delta.refusal, choice.index))
    return events


def _thoughts(delta: _Delta, choice: int) -> list[Event]:
    text = delta.reasoning_content or delta.reasoning
    events: list[Event] = [ThoughtDelta(text, choice)] if text else []
    for detail in delta.reasoning_details or ():
        if detail.signature or detail.data:
            origin = ORIGINS.get(detail.format or "", "")
            events.append(Signature(detail.signature or "", detail.data or "", origin, choice))
    return events


def parse_completion(body: bytes) -> list[Event] | Fault:
    """The events of an answer that is not streamed.

    Raises:
        msgspec.DecodeError, ValueError: malformed.
    """
    meaning = ChatMeaning()
    events = meaning.chunk(_decode(body))
    if meaning.fault is not None:
        return meaning.fault
    if not meaning.finished:
        raise ValueError("it has no finish_reason")
    return events
