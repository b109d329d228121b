"""Reads Converse replies as reply events; a whole answer is read as the stream it would have been."""

import base64
from collections.abc import Mapping

import msgspec

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
from backends.contract.usage import Count
from backends.dialects.bedrock.models import family, origin
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Usage

_REASONS: Mapping[str, str] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_SERVER_TOOL = "server_tool_use"  # the model's host runs it itself: no call of the client's


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    type: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


class _ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str = ""


class _Reasoning(msgspec.Struct, rename="camel"):
    """In a delta text and signature stand here, in a whole answer under ``reasoningText``."""

    text: str = ""
    signature: str = ""
    redacted_content: str = ""
    reasoning_text: _ReasoningText | None = None


class _Cited(msgspec.Struct):
    text: str = ""


class _Citations(msgspec.Struct):
    content: list[_Cited] = []


class _Block(msgspec.Struct, rename="camel"):
    """A content block, or a delta of one."""

    text: str = ""
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: _Citations | None = None


class _Cache(msgspec.Struct, rename="camel"):
    ttl: str
    input_tokens: Count


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    cache_details: list[_Cache] | None = None

    def usage(self) -> Usage:
        """Input tokens are counted beside the cached ones."""
        read, written = self.cache_read_input_tokens or 0, self.cache_write_input_tokens or 0
        hour = sum(detail.input_tokens for detail in self.cache_details or () if detail.ttl == "1h")
        prompt = self.input_tokens + read + written
        return Usage(
            prompt=prompt,
            completion=self.output_tokens,
            cached=read,
            source="upstream",
            cache_write=written,
            cache_write_1h=hour,
        )


class _Tier(msgspec.Struct):
    type: str = ""


class _Message(msgspec.Struct, frozen=True):
    content: list[_Block] = []


class _Output(msgspec.Struct, frozen=True):
    message: _Message = _Message()


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str
    usage: _Usage | None = None
    service_tier: _Tier | None = None
    additional_model_response_fields: msgspec.Raw = msgspec.Raw()


class _StreamEvent(msgspec.Struct, rename="camel"):
    """Any of the stream's events: each kind fills its own fields."""

    content_block_index: int = 0
    start: _Block | None = None
    delta: _Block | None = None
    stop_reason: str = ""
    usage: _Usage | None = None
    service_tier: _Tier | None = None
    additional_model_response_fields: msgspec.Raw = msgspec.Raw()


class _Additional(msgspec.Struct):
    stop_sequence: str | None = None


_decode_event = msgspec.json.Decoder(_StreamEvent).decode
_decode_answer = msgspec.json.Decoder(_Answer).decode


class ConverseInterpreter:
    """What the frames of a stream mean. ``finished``: the model said why it stopped."""

    def __init__(self, model: str) -> None:
        self.finished = False
        self.fault: Fault | None = None
        self._claude = family(model) == "claude"
        self._origin = origin(model)
        self._calls: dict[int, int] = {}  # number of the call, by its block's index
        self._empty: set[int] = set()  # blocks of calls without arguments so far
        self._foreign: set[int] = set()  # blocks of the host's own tools

    def read(self, kind: str, payload: bytes) -> list[Event]:
        """The events of one frame.

        Raises:
            msgspec.DecodeError: malformed.
        """
        if kind == "messageStart":
            return [Start()]
        event = _decode_event(payload)
        at = event.content_block_index
        if kind == "contentBlockStart" and event.start is not None:
            return self._begin(at, event.start)
        if kind == "contentBlockDelta" and event.delta is not None:
            return [] if at in self._foreign else self._delta(at, event.delta)
        if kind == "contentBlockStop" and at in self._empty:
            return [CallDelta(self._calls[at], "{}")]
        if kind == "messageStop":
            return self._stop(event.stop_reason, event.additional_model_response_fields)
        if kind == "metadata" and event.usage is not None:
            return [_usage(event.usage, event.service_tier)]
        return []

    def whole(self, body: bytes) -> list[Event] | Fault:
        """The events of a whole answer.

        Raises:
            msgspec.DecodeError: malformed.
        """
        answer = _decode_answer(body)
        events: list[Event] = [Start()]
        for at, block in enumerate(answer.output.message.content):
            if block.tool_use is None:
                events += self._delta(at, block)
            elif begun := self._begin(at, block):
                events += [*begun, CallDelta(self._calls[at], bytes(block.tool_use.input).decode())]
        events += self._stop(answer.stop_reason, answer.additional_model_response_fields)
        if answer.usage is not None:
            events.append(_usage(answer.usage, answer.service_tier))
        return events if self.fault is None else self.fault

    def _begin(self, at: int, block: _Block) -> list[Event]:
        use = block.tool_use
        if use is None or use.type == _SERVER_TOOL:
            self._foreign.add(at)
            return []
        self._calls[at] = len(self._calls)
        self._empty.add(at)
        return [CallStart(self._calls[at], use.tool_use_id, use.name)]

    def _delta(self, at: int, block: _Block) -> list[Event]:
        if block.text:
            return [TextDelta(block.text)]
        if block.tool_use is not None and at in self._calls:
            fragment = msgspec.json.decode(block.tool_use.input, type=str)
            if fragment:
                self._empty.discard(at)
            return [CallDelta(self._calls[at], fragment)] if fragment else []
        if block.reasoning_content is not None:
            return self._thought(block.reasoning_content)
        if block.citations_content is not None:
            return [TextDelta(cited.text) for cited in block.citations_content.content if cited.text]
        return []

    def _thought(self, thought: _Reasoning) -> list[Event]:
        if thought.redacted_content:
            text = thought.redacted_content
            redacted = base64.b64decode(text).decode("utf-8", "replace") if self._claude else text
            return [Signature(redacted=redacted, origin=self._origin)]
        said = thought.reasoning_text or thought
        events: list[Event] = [ThoughtDelta(said.text)] if said.text else []
        return [*events, Signature(said.signature, origin=self._origin)] if said.signature else events

    def _stop(self, reason: str, additional: msgspec.Raw) -> list[Event]:
        self.finished = True
        if reason.startswith("malformed_"):
            self.fault = Fault(Failure.MALFORMED, f"the model's answer is unusable ({reason})")
            return []
        return [Finish(_REASONS.get(reason, "stop"), _stop_sequence(additional) if reason == "stop_sequence" else "")]


def _stop_sequence(additional: msgspec.Raw) -> str:
    try:
        return msgspec.json.decode(additional, type=_Additional).stop_sequence or ""
    except msgspec.DecodeError:  # whatever the client asked to be told of the model's own reply
        return ""


def _usage(usage: _Usage, tier: _Tier | None) -> UsageSeen:
    return UsageSeen(usage.usage(), tier.type if tier is not None else "")
