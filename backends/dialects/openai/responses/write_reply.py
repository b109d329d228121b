"""Write a responses reply. Rule: reply events become the responses API's events, or one response of the same items.

An item is open at a time, and a part within it; what belongs elsewhere closes them. Events are numbered.
"""

from typing import Any

import msgspec

from backends.contract.conversation import present
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
from backends.dialects.openai.responses.reasoning_signatures import CALL, REDACTED, SIGNATURE, seal
from policies.vocabulary.types import Usage

_ECHOED = (
    "instructions", "max_output_tokens", "metadata", "parallel_tool_calls", "reasoning", "temperature", "text",
    "tool_choice", "tools", "top_p", "user",
)  # fmt: skip
_DEFAULTS: dict[str, Any] = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": []}
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
#: By a part's type: its text's field, and what else its events hold.
_FIELDS = {"output_text": "text", "refusal": "refusal"}
_NO_LOGPROBS: dict[str, dict[str, Any]] = {"output_text": {"logprobs": []}, "refusal": {}}
_encode = msgspec.json.encode


class ResponsesReply:
    """A ReplyWriter."""

    __slots__ = ("_finish", "_heading", "_id", "_item", "_model", "_output", "_part", "_pieces", "_sequence", "_usage")

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._id = f"resp_{heading.id}"
        self._model = heading.model
        self._sequence = 0
        self._output: list[dict[str, Any]] = []
        self._item: dict[str, Any] | None = None  # the open item
        self._part = ""  # the type of its open part
        self._pieces: list[str] = []  # of the open part, or of the open call's arguments
        self._finish = "stop"
        self._usage: Usage | None = None

    def write(self, events: list[Event]) -> bytes:
        return b"".join(piece for event in events for piece in self._event(event))

    def end(self) -> bytes:
        last = [*self._begin(), *self._shut()]
        incomplete = _INCOMPLETE.get(self._finish)
        status = "incomplete" if incomplete else "completed"
        response = self._response(status) | {"output": self._output, "usage": _usage_object(self._usage)}
        if incomplete:
            response["incomplete_details"] = {"reason": incomplete}
        if not self._heading.stream:
            return _encode(response)
        return b"".join([*last, self._sse(f"response.{status}", response=response)])

    def _event(self, event: Event) -> list[bytes]:
        if isinstance(event, Start):
            self._model = event.model or self._model
            return []
        if isinstance(event, UsageSeen):
            self._usage = event.usage
            return []
        return [*self._begin(), *self._content(event)]

    def _content(self, event: Event) -> list[bytes]:
        if isinstance(event, TextDelta):
            return self._say("output_text", event.text) if event.text else []
        if isinstance(event, RefusalDelta):
            return self._say("refusal", event.text)
        if isinstance(event, ThoughtDelta):
            return self._think(event.text)
        if isinstance(event, Signature):
            kind, proof = (REDACTED, event.redacted) if event.redacted else (SIGNATURE, event.signature)
            return self._prove(event.origin, kind, proof)
        if isinstance(event, CallStart):
            proven = self._prove(event.origin, CALL, event.signature) if event.signature else []
            call = {"type": "function_call", "call_id": event.id, "name": event.name, "arguments": ""}
            return [*proven, *self._open(call, "fc")]
        if isinstance(event, CallDelta):
            self._pieces.append(event.arguments)
            return [self._on_item("response.function_call_arguments.delta", delta=event.arguments)]
        if isinstance(event, Finish):
            self._finish = event.reason
            return self._shut()
        return []

    def _say(self, part: str, text: str) -> list[bytes]:
        """More of the message's text or refusal."""
        opened: list[bytes] = []
        if not self._is("message"):
            opened = self._open({"type": "message", "role": "assistant", "content": []}, "msg")
        if self._part != part:
            opened += self._shut_part()
            self._part = part
            opened.append(self._on_part("response.content_part.added", part=_part(part, "")))
        self._pieces.append(text)
        return [*opened, self._on_part(f"response.{part}.delta", delta=text, **_NO_LOGPROBS[part])]

    def _think(self, text: str) -> list[bytes]:
        opened: list[bytes] = []
        if not self._is("reasoning"):
            opened = self._open({"type": "reasoning", "summary": []}, "rs")
        if not self._part:
            self._part = "summary_text"
            empty = {"type": "summary_text", "text": ""}
            opened.append(self._on_item("response.reasoning_summary_part.added", summary_index=0, part=empty))
        self._pieces.append(text)
        return [*opened, self._on_item("response.reasoning_summary_text.delta", summary_index=0, delta=text)]

    def _prove(self, origin: str, kind: str, proof: str) -> list[bytes]:
        """Close the thought with its proof; a proof without a thought is an item by itself."""
        opened: list[bytes] = []
        if not self._is("reasoning") or kind != SIGNATURE:
            opened = self._open({"type": "reasoning", "summary": []}, "rs")
        assert self._item is not None
        self._item["encrypted_content"] = seal(origin, kind, proof)
        return [*opened, *self._shut()]

    def _is(self, kind: str) -> bool:
        return self._item is not None and self._item["type"] == kind

    def _open(self, item: dict[str, Any], prefix: str) -> list[bytes]:
        shut = self._shut()
        id = f"{prefix}_{self._heading.id}{len(self._output):02d}"
        self._item = {"id": id, **item, "status": "in_progress"}
        return [*shut, self._sse("response.output_item.added", output_index=len(self._output), item=self._item)]

    def _shut(self) -> list[bytes]:
        """Close the open item, if there is one."""
        item = self._item
        if item is None:
            return []
        closed = self._shut_part()
        if item["type"] == "function_call":
            item["arguments"] = "".join(self._pieces)
            self._pieces.clear()
            closed = [
                self._on_item("response.function_call_arguments.done", name=item["name"], arguments=item["arguments"])
            ]
        item["status"] = "completed"
        closed.append(self._sse("response.output_item.done", output_index=len(self._output), item=item))
        self._output.append(item)
        self._item = None
        return closed

    def _shut_part(self) -> list[bytes]:
        part, self._part = self._part, ""
        if not part or self._item is None:
            return []
        text = "".join(self._pieces)
        self._pieces.clear()
        if part == "summary_text":
            whole = {"type": part, "text": text}
            done = self._on_item("response.reasoning_summary_text.done", summary_index=0, text=text)
            self._item["summary"].append(whole)
            return [done, self._on_item("response.reasoning_summary_part.done", summary_index=0, part=whole)]
        done = self._on_part(f"response.{part}.done", **{_FIELDS[part]: text}, **_NO_LOGPROBS[part])
        closed = self._on_part("response.content_part.done", part=_part(part, text))
        self._item["content"].append(_part(part, text))
        return [done, closed]

    def _on_item(self, kind: str, **fields: Any) -> bytes:
        assert self._item is not None
        return self._sse(kind, item_id=self._item["id"], output_index=len(self._output), **fields)

    def _on_part(self, kind: str, **fields: Any) -> bytes:
        assert self._item is not None
        return self._on_item(kind, content_index=len(self._item["content"]), **fields)

    def _begin(self) -> list[bytes]:
        if self._sequence or not self._heading.stream:
            return []
        response = self._response("in_progress") | {"output": [], "usage": None}
        return [self._sse(f"response.{kind}", response=response) for kind in ("created", "in_progress")]

    def _response(self, status: str) -> dict[str, Any]:
        """All of a response but its output."""
        asked = self._heading.request
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._heading.created,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "model": self._model,
            "previous_response_id": None,
            "store": False,
            **_DEFAULTS,
            **{name: asked[name] for name in _ECHOED if name in asked and present(asked[name])},
        }

    def _sse(self, kind: str, **fields: Any) -> bytes:
        if not self._heading.stream:
            return b""
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(event))


def _part(kind: str, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _usage_object(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_write},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.prompt + usage.completion,
    }
