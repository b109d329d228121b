"""Writes reply events as chat.completion.chunk events, or as one chat.completion.

What OpenAI has no field for goes where clients already look: reasoning into ``reasoning_content``, what proves it into
``reasoning_details`` (OpenRouter's form), a call's signature into ``extra_content.google`` (Gemini's own form). Sent
back in the next request, all of it is read again.
"""

from typing import Any

import msgspec

from backends.contract.conversation import GOOGLE, Raw
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
from backends.dialects.openai.chat.wire import FORMATS
from policies.vocabulary.types import Usage

_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})  # OpenAI's; a strict client takes no other
_FINISH = {"pause": "stop"}
_encode = msgspec.json.encode


class _Choice:
    """What one choice holds so far."""

    __slots__ = ("calls", "details", "finish", "logprobs", "refusal", "text", "thought", "unsigned")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.refusal: list[str] = []
        self.thought: list[str] = []
        self.unsigned: list[str] = []  # of the thought that no signature has closed
        self.details: list[dict[str, Any]] = []
        self.calls: list[tuple[CallStart, list[str]]] = []  # with the pieces of their arguments
        self.logprobs: list[Raw] = []
        self.finish = "stop"

    def gather(self, event: Event) -> None:
        """Keep what a whole answer is made of."""
        if isinstance(event, TextDelta):
            self.text.append(event.text)
            if event.logprobs is not None:
                self.logprobs.append(event.logprobs)
        elif isinstance(event, ThoughtDelta):
            self.thought.append(event.text)
        elif isinstance(event, RefusalDelta):
            self.refusal.append(event.text)
        elif isinstance(event, CallStart):
            self.calls.append((event, []))
        elif isinstance(event, CallDelta):
            self.calls[event.index][1].append(event.arguments)


class ChatReply:
    """A ReplyWriter."""

    __slots__ = ("_choices", "_created", "_heading", "_id", "_model", "_prefix", "_tier", "_usage")

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._choices: dict[int, _Choice] = {}
        self._id = f"chatcmpl-{heading.id}"
        self._model = heading.model
        self._created = heading.created
        self._prefix = b""
        self._usage: Usage | None = None
        self._tier = ""

    def write(self, events: list[Event]) -> bytes:
        chunks = [chunk for event in events for chunk in self._event(event)]
        return b"".join(chunks) if self._heading.stream else b""

    def end(self) -> bytes:
        if not self._heading.stream:
            return self._whole()
        if self._heading.include_usage and self._usage is not None:
            head = self._head("chat.completion.chunk") | {"choices": [], "usage": usage_object(self._usage)}
            return b"data: %b\n\ndata: [DONE]\n\n" % _encode(head)
        return b"data: [DONE]\n\n"

    def _event(self, event: Event) -> list[bytes]:
        if isinstance(event, Start):
            self._id = event.id or self._id
            self._model = event.model or self._model
            self._created = event.created or self._created
            return []
        if isinstance(event, UsageSeen):
            self._usage = event.usage
            self._tier = event.service_tier or self._tier
            return []
        choice = self._choices.get(event.choice)
        opening = [] if choice is not None else [self._chunk(event.choice, {"role": "assistant", "content": ""})]
        if choice is None:
            choice = self._choices[event.choice] = _Choice()
        if isinstance(event, Finish):
            choice.finish = _FINISH.get(event.reason, event.reason)
            return [*opening, self._chunk(event.choice, {}, choice.finish)]
        delta = self._delta(choice, event)
        logprobs = event.logprobs if isinstance(event, TextDelta) else None
        return [*opening, self._chunk(event.choice, delta, None, logprobs)] if delta else opening

    def _delta(self, choice: _Choice, event: Event) -> dict[str, Any]:
        """The event as a delta."""
        if not self._heading.stream:
            choice.gather(event)
        if isinstance(event, TextDelta):
            return {"content": event.text}
        if isinstance(event, ThoughtDelta):
            choice.unsigned.append(event.text)
            return {"reasoning_content": event.text}
        if isinstance(event, Signature):
            detail = _detail(event, "".join(choice.unsigned), len(choice.details))
            choice.unsigned.clear()
            choice.details.append(detail)
            return {"reasoning_details": [detail]}
        if isinstance(event, RefusalDelta):
            return {"refusal": event.text}
        if isinstance(event, CallStart):
            return {"tool_calls": [{"index": event.index, **_call(event, "")}]}
        if isinstance(event, CallDelta):
            return {"tool_calls": [{"index": event.index, "function": {"arguments": event.arguments}}]}
        return {}

    def _chunk(
        self, index: int, delta: dict[str, Any], finish: str | None = None, logprobs: Raw | None = None
    ) -> bytes:
        if not self._heading.stream:
            return b""
        if not self._prefix:  # the same for every chunk
            self._prefix = b"data: " + _encode(self._head("chat.completion.chunk"))[:-1] + b',"choices":['
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return b"%b%b]}\n\n" % (self._prefix, _encode(choice))

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._id, "object": kind, "created": self._created, "model": self._model}

    def _whole(self) -> bytes:
        choices = [_message(index, choice) for index, choice in sorted(self._choices.items())]
        body = self._head("chat.completion") | {"choices": choices}
        if self._usage is not None:
            body["usage"] = usage_object(self._usage)
        if self._tier in _TIERS:
            body["service_tier"] = self._tier
        return _encode(body)


def usage_object(usage: Usage) -> dict[str, Any]:
    """Usage as the chat API counts: prompt tokens include cached ones, completion tokens include reasoning."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_prompt,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_completion,
        },
    }


def _detail(event: Signature, text: str, index: int) -> dict[str, Any]:
    detail: dict[str, Any] = {"index": index, "format": FORMATS.get(event.origin, "unknown")}
    if event.redacted:
        return detail | {"type": "reasoning.encrypted", "data": event.redacted}
    return detail | {"type": "reasoning.text", "text": text, "signature": event.signature}


def _call(event: CallStart, arguments: str) -> dict[str, Any]:
    function = {"name": event.name, "arguments": arguments}
    call: dict[str, Any] = {"id": event.id, "type": "function", "function": function}
    if event.signature and event.origin == GOOGLE:
        call["extra_content"] = {"google": {"thought_signature": event.signature}}
    return call


def _message(index: int, choice: _Choice) -> dict[str, Any]:
    """The choice as a whole."""
    text = "".join(choice.text)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not (choice.calls or choice.refusal) else None,
        "refusal": "".join(choice.refusal) or None,
    }
    if choice.thought:
        message["reasoning_content"] = "".join(choice.thought)
    if choice.details:
        message["reasoning_details"] = choice.details
    if choice.calls:
        message["tool_calls"] = [_call(start, "".join(arguments)) for start, arguments in choice.calls]
    logprobs = _logprobs(choice.logprobs)
    return {"index": index, "message": message, "logprobs": logprobs, "finish_reason": choice.finish}


def _logprobs(pieces: list[Raw]) -> dict[str, Any] | None:
    if not pieces:
        return None
    decoded = [msgspec.json.decode(piece) for piece in pieces]
    content = [token for piece in decoded for token in piece.get("content") or ()]
    refusal = [token for piece in decoded for token in piece.get("refusal") or ()]
    return {"content": content or None, "refusal": refusal or None}
