"""Reads generateContent replies, streamed or whole, as reply events.

A finish is told at the end of the bytes: older models name a reason in every chunk, and what follows a reason counts.
"""

import msgspec

from backends.contract.conversation import GOOGLE
from backends.contract.events import (
    CallDelta,
    CallStart,
    Event,
    Finish,
    Signature,
    Start,
    TextDelta,
    ThoughtDelta,
    UsageSeen,
)
from backends.dialects.google import faults
from backends.dialects.google.partial_arguments import Arguments
from backends.dialects.google.wire import Candidate, FunctionCall, Part, Reply, UsageMetadata, read, read_many
from backends.reply.stream_reader import SseReader, WholeReader
from policies.vocabulary.failure import Failure, Fault

_REASONS = {
    "STOP": "stop", "MAX_TOKENS": "length", "OTHER": "stop", "FINISH_REASON_UNSPECIFIED": "stop",
    "CONTINUATION": "pause",
}  # fmt: skip
_NO_ERROR = (b"", b"null")
_FILTERED = frozenset(
    {
        "SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION", "MODEL_ARMOR", "ESCALATION", "LANGUAGE",
    }
)  # fmt: skip


class Stream:
    """A ReplyReader of a stream of server-sent events."""

    __slots__ = ("_meaning", "_reader", "fault")

    def __init__(self) -> None:
        self._meaning = GoogleInterpreter()
        self._reader = SseReader(self._meaning)
        self.fault: Fault | None = None

    def feed(self, data: bytes) -> list[Event]:
        events = self._reader.feed(data)
        self.fault = self._reader.fault
        return events

    def close(self) -> list[Event]:
        last = self._reader.close()
        if self._reader.fault is None:
            last += self._meaning.end()
        self.fault = self._reader.fault or self._meaning.fault
        return last


def whole() -> WholeReader:
    """A ReplyReader of a whole answer."""
    return WholeReader(_parse)


def _parse(body: bytes) -> list[Event] | Fault:
    meaning = GoogleInterpreter()
    events: list[Event] = []
    for reply in read_many(body):
        events += meaning.said(reply)
    if meaning.fault is None and meaning.finished:
        events += meaning.end()
    elif meaning.fault is None:
        return Fault(Failure.MALFORMED, "the upstream's answer has no candidate")
    return meaning.fault or events


class _Choice:
    """What one candidate holds so far."""

    __slots__ = ("arguments", "calls", "finish", "message", "spoke")

    def __init__(self) -> None:
        self.calls = 0
        self.spoke = False
        self.finish = ""
        self.message = ""
        self.arguments: Arguments | None = None  # of the call whose arguments come in pieces


class GoogleInterpreter:
    """What the chunks mean, in their order."""

    __slots__ = ("_choices", "_counted", "_id", "fault", "finished")

    def __init__(self) -> None:
        self._choices: dict[int, _Choice] = {}
        self._id: str | None = None
        self._counted: UsageMetadata | None = None
        self.finished = False
        self.fault: Fault | None = None

    def read(self, data: bytes) -> list[Event]:
        return self.said(read(data))

    def said(self, reply: Reply) -> list[Event]:
        """The events of one chunk."""
        if bytes(reply.error) not in _NO_ERROR:
            self.fault = faults.in_band(reply.error)
            return []
        events: list[Event] = []
        if self._id is None:
            self._id = reply.response_id
            events.append(Start(reply.response_id, reply.model_version))
        metadata = reply.usage_metadata
        if metadata is not None and metadata.prompt_token_count is not None and metadata != self._counted:
            self._counted = metadata
            events.append(UsageSeen(metadata.usage(), metadata.tier()))
        for candidate in reply.candidates:
            events += self._candidate(candidate)
        self.finished = bool(self._choices) and all(choice.finish for choice in self._choices.values())
        feedback = reply.prompt_feedback
        if feedback is not None and feedback.block_reason and not self._choices:
            self.fault = faults.blocked(feedback)
        return events

    def _candidate(self, candidate: Candidate) -> list[Event]:
        choice = self._choices.get(candidate.index)
        if choice is None:
            choice = self._choices[candidate.index] = _Choice()
        if candidate.finish_reason:
            choice.finish, choice.message = candidate.finish_reason, candidate.finish_message
        events: list[Event] = []
        for part in candidate.content.parts if candidate.content is not None else ():
            events += self._part(choice, candidate.index, part)
        if candidate.logprobs_result is not None:
            _attach(events, candidate.logprobs_result.spelled(), candidate.index)
        return events

    def _part(self, choice: _Choice, index: int, part: Part) -> list[Event]:
        call, signature = part.function_call, part.thought_signature
        if call is not None:
            return self._call(choice, index, call, signature)
        events: list[Event] = []
        if part.text:
            events.append(ThoughtDelta(part.text, index) if part.thought else TextDelta(part.text, index))
        if signature:
            events.append(Signature(signature, origin=GOOGLE, choice=index))
        choice.spoke = choice.spoke or bool(events)
        return events

    def _call(self, choice: _Choice, index: int, call: FunctionCall, signature: str) -> list[Event]:
        events: list[Event] = []
        if call.name:
            number, choice.calls = choice.calls, choice.calls + 1
            events.append(
                CallStart(
                    index=number,
                    id=self._call_id(call, index, number),
                    name=call.name,
                    choice=index,
                    signature=signature,
                    origin=_of(signature),
                )
            )
            if not call.will_continue:
                return [*events, CallDelta(number, bytes(call.args).decode(), index)]
            choice.arguments = Arguments()
        if choice.arguments is not None:
            choice.arguments.add(call.partial_args or [])
            if not call.will_continue:
                events.append(CallDelta(choice.calls - 1, choice.arguments.text(), index))
                choice.arguments = None
        return events

    def _call_id(self, call: FunctionCall, index: int, number: int) -> str:
        """Google's own, or one that no other call of the conversation has: clients answer to it."""
        return call.id or f"call_{self._id or 'google'}_{index}{number}"

    def end(self) -> list[Event]:
        """The finishes; sets ``fault`` if the answer is empty or broken."""
        events: list[Event] = []
        for index, choice in sorted(self._choices.items()):
            if choice.finish in _FILTERED:
                events.append(Finish("content_filter", choice=index))
                continue
            reason = _REASONS.get(choice.finish)
            if reason is None:
                self.fault = faults.bad_finish(choice.finish, choice.message)
                return []
            if not choice.calls and not choice.spoke and reason == "stop":
                self.fault = Fault(Failure.MALFORMED, "the upstream's model stopped without any output")
                return []
            called = reason == "stop" and choice.calls
            events.append(Finish("tool_calls" if called else reason, choice=index))
        return events


def _of(signature: str) -> str:
    return GOOGLE if signature else ""


def _attach(events: list[Event], logprobs: msgspec.Raw, index: int) -> None:
    """Put a chunk's log probabilities on its first text."""
    for at, event in enumerate(events):
        if isinstance(event, TextDelta):
            events[at] = TextDelta(event.text, index, logprobs)
            return
