"""Writes reply events as Anthropic stream events, or as one message.

A block is open at a time; what belongs to another kind closes it. Usage and the stop reason come last, as totals.
"""

from typing import Any

import msgspec

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
from backends.contract.reply_context import Heading
from backends.dialects.anthropic.messages.reasoning_signatures import mark
from policies.vocabulary.types import NO_USAGE, Usage

_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
}
_encode = msgspec.json.encode


class MessagesReply:
    """A ReplyWriter."""

    __slots__ = ("_blocks", "_heading", "_id", "_model", "_open", "_pieces", "_started", "_stop", "_usage")

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._id = f"msg_{heading.id}"
        self._model = heading.model
        self._started = False
        self._blocks: list[dict[str, Any]] = []
        self._pieces: list[str] = []  # of the open block's text or arguments, where it is not streamed
        self._open = ""  # the open block's type
        self._stop = ("end_turn", "")
        self._usage = NO_USAGE

    def write(self, events: list[Event]) -> bytes:
        out = b"".join(piece for event in events for piece in self._event(event))
        return out if self._heading.stream else b""

    def end(self) -> bytes:
        reason, sequence = self._stop
        stopped = {"stop_reason": reason, "stop_sequence": sequence or None}
        last = self._begin() + self._shut()
        if not self._heading.stream:
            return _encode(self._message() | {"content": self._blocks, **stopped, "usage": usage_object(self._usage)})
        delta = _sse("message_delta", {"delta": stopped, "usage": usage_object(self._usage)})
        return b"".join([*last, delta, _sse("message_stop", {})])

    def _event(self, event: Event) -> list[bytes]:
        if isinstance(event, Start):
            self._id = event.id or self._id
            self._model = event.model or self._model
            return []
        if isinstance(event, UsageSeen):
            self._usage = event.usage
            return []
        if isinstance(event, Finish):
            met = event.reason == "stop" and event.stop_sequence
            self._stop = ("stop_sequence", met) if met else (_STOP.get(event.reason, "end_turn"), "")
            return [*self._begin(), *self._shut()]
        return [*self._begin(), *self._content(event)]

    def _content(self, event: Event) -> list[bytes]:
        if isinstance(event, TextDelta | RefusalDelta):
            return self._more("text", event.text) if event.text else []
        if isinstance(event, ThoughtDelta):
            return self._more("thinking", event.text)
        if isinstance(event, Signature):
            return self._sign(event)
        if isinstance(event, CallStart):
            return self._call(event)
        if isinstance(event, CallDelta):
            self._gather(event.arguments)
            return [self._delta({"type": "input_json_delta", "partial_json": event.arguments})]
        return []

    def _more(self, kind: str, text: str) -> list[bytes]:
        """More of a block's text; a block of another kind is closed first."""
        opened = [] if self._open == kind else self._block({"type": kind, kind: "", **_UNSIGNED.get(kind, {})})
        self._gather(text)
        return [*opened, self._delta({"type": f"{kind}_delta", kind: text})]

    def _sign(self, event: Signature) -> list[bytes]:
        if event.redacted:
            return [*self._block({"type": "redacted_thinking", "data": event.redacted}), *self._shut()]
        signature = mark(event.signature, event.origin)
        opened = [] if self._open == "thinking" else self._block({"type": "thinking", "thinking": "", "signature": ""})
        self._blocks[-1]["signature"] = signature
        return [*opened, self._delta({"type": "signature_delta", "signature": signature}), *self._shut()]

    def _call(self, event: CallStart) -> list[bytes]:
        proof: list[bytes] = []
        if event.signature:
            marked = mark(event.signature, event.origin, call=True)
            proof = self._block({"type": "thinking", "thinking": "", "signature": marked})
        return [*proof, *self._block({"type": "tool_use", "id": event.id, "name": event.name, "input": {}})]

    def _block(self, block: dict[str, Any]) -> list[bytes]:
        """Open a block."""
        shut = self._shut()
        self._open = block["type"]
        self._blocks.append(block)
        return [*shut, self._sse("content_block_start", {"index": len(self._blocks) - 1, "content_block": block})]

    def _shut(self) -> list[bytes]:
        """Close the open block, if there is one."""
        if not self._open:
            return []
        text = "".join(self._pieces)
        if self._open == "tool_use":
            self._blocks[-1]["input"] = _arguments(text)
        elif text:
            self._blocks[-1][self._open] = text
        self._pieces.clear()
        self._open = ""
        return [self._sse("content_block_stop", {"index": len(self._blocks) - 1})]

    def _gather(self, text: str) -> None:
        if not self._heading.stream:
            self._pieces.append(text)

    def _delta(self, delta: dict[str, Any]) -> bytes:
        return self._sse("content_block_delta", {"index": len(self._blocks) - 1, "delta": delta})

    def _begin(self) -> list[bytes]:
        if self._started:
            return []
        self._started = True
        usage = usage_object(self._usage) | {"output_tokens": 0}
        message = self._message() | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        return [self._sse("message_start", {"message": message})]

    def _message(self) -> dict[str, Any]:
        return {"id": self._id, "type": "message", "role": "assistant", "model": self._model}

    def _sse(self, kind: str, fields: dict[str, Any]) -> bytes:
        return _sse(kind, fields) if self._heading.stream else b""


_UNSIGNED = {"thinking": {"signature": ""}}


def usage_object(usage: Usage) -> dict[str, Any]:
    """Usage as the messages API counts: cached tokens beside the other prompt tokens."""
    hour = usage.cache_write_1h
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write - hour,
            "ephemeral_1h_input_tokens": hour,
        },
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
    }


def _arguments(text: str) -> Any:
    """A call's input; what a model wrote that is no JSON object is kept as the text it is."""
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return {"text": text}


def _sse(kind: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode({"type": kind, **fields}))
