"""/v1/chat/completions as vLLM answers it: role, deltas, finish reason, usage if requested, [DONE]."""

from typing import Any

import msgspec

from backends.engine import prompt
from backends.engine.errors import Refusal
from backends.engine.generation import Usage
from backends.engine.http import Answer, Request
from backends.engine.logprobs import chat_entry
from backends.engine.request_plan import Choice, choose
from backends.engine.requests import ChatRequest, JsonObject, read
from backends.engine.service import DONE, Service, encode, event, new_id, now, usage_object
from backends.engine.tools import script

ROLE = {"role": "assistant", "content": ""}


def serve_chat(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, ChatRequest)
    service.check_model(asked.model)
    asked.check()
    if not asked.messages:
        raise Refusal(400, "messages must not be empty", "messages")
    if asked.add_generation_prompt and asked.continue_final_message:
        raise Refusal(400, "continue_final_message and add_generation_prompt cannot both be true")
    wanted = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    if wanted is not None and wanted < 1:
        raise Refusal(400, f"max_tokens must be at least 1, got {wanted}", "max_tokens")
    rendered = prompt.chat(
        asked.messages, asked.tools, generate=asked.add_generation_prompt, continue_final=asked.continue_final_message
    )
    room = service.limits.room(rendered, wanted)
    choices = choose(rendered, asked, room, service.limits.block_size, script(asked, rendered.echo))
    service.generate(answer, ChatDialect(service.model, asked, choices), choices, asked.n or 1, asked.stream)


class ChatDialect:
    def __init__(self, model: str, asked: ChatRequest, choices: list[Choice]) -> None:
        self._choices = choices
        self._usage = asked.include_usage
        self._top = (asked.top_logprobs or 0) if asked.logprobs else None
        self._created = now()
        self._id = new_id("chatcmpl")
        self._model = model
        # Of a content delta only the text changes: everything around it is rendered once.
        head = self._chunk([])[: -len(b"]}\n\n")]
        self._heads = [b'%b{"index":%d,"delta":{"content":' % (head, index) for index in range(len(choices))]

    def opening(self) -> list[bytes]:
        return [self._choice(index, ROLE) for index in range(len(self._choices))]

    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]:
        choice = self._choices[index]
        if choice.call is not None:
            return self._call_delta(index, choice, start, end, finished)
        # As in vLLM the last token of a cut-off answer carries the reason; a natural end is a token without text.
        merged = finished and choice.finish == "length" and end > start
        events = [self._content(index, piece) for piece in choice.pieces[start : end - merged] if piece]
        if finished:
            events.append(self._finish(index, {"content": choice.pieces[end - 1] if merged else ""}))
        return events

    def closing(self, usage: Usage) -> list[bytes]:
        if not self._usage:
            return [DONE]
        return [self._chunk([], usage=usage_object(usage)), DONE]

    def body(self, usage: Usage) -> bytes:
        return encode(
            {
                "id": self._id,
                "object": "chat.completion",
                "created": self._created,
                "model": self._model,
                "choices": [self._message(index, choice) for index, choice in enumerate(self._choices)],
                "service_tier": None,
                "system_fingerprint": None,
                "usage": usage_object(usage),
                "prompt_logprobs": None,
                "kv_transfer_params": None,
            }
        )

    def _content(self, index: int, piece: str) -> bytes:
        if self._top is not None:
            return self._choice(index, {"content": piece}, logprobs=self._logprobs([piece]))
        return b'%b%b},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n' % (
            self._heads[index],
            msgspec.json.encode(piece),
        )

    def _finish(self, index: int, delta: JsonObject) -> bytes:
        choice = self._choices[index]
        piece = delta.get("content")
        logprobs = self._logprobs([piece]) if piece and self._top is not None else None
        return self._choice(index, delta, logprobs, finish_reason=reason(choice), stop_reason=choice.stop)

    def _call_delta(self, index: int, choice: Choice, start: int, end: int, finished: bool) -> list[bytes]:
        assert choice.call is not None
        calls: list[JsonObject] = []
        if start == 0:
            named = {"name": choice.call.name, "arguments": ""}
            calls.append({"index": 0, "id": choice.call.id, "type": "function", "function": named})
        calls += [{"index": 0, "function": {"arguments": piece}} for piece in choice.pieces[start:end]]
        events = [self._choice(index, {"tool_calls": [call]}) for call in calls]
        return [*events, self._finish(index, {})] if finished else events

    def _choice(self, index: int, delta: JsonObject, logprobs: JsonObject | None = None, **end: Any) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": None, **end}
        return self._chunk([choice])

    def _chunk(self, choices: list[JsonObject], **more: Any) -> bytes:
        return event(
            {
                "id": self._id,
                "object": "chat.completion.chunk",
                "created": self._created,
                "model": self._model,
                "choices": choices,
                **more,
            }
        )

    def _message(self, index: int, choice: Choice) -> JsonObject:
        calls: list[JsonObject] = []
        if choice.call is not None:
            function = {"name": choice.call.name, "arguments": choice.text()}
            calls.append({"id": choice.call.id, "type": "function", "function": function})
        return {
            "index": index,
            "message": {
                "role": "assistant",
                "content": None if calls else choice.text(),
                "refusal": None,
                "annotations": None,
                "audio": None,
                "function_call": None,
                "tool_calls": calls,
                "reasoning": None,
            },
            "logprobs": None if self._top is None or calls else self._logprobs(choice.pieces),
            "finish_reason": reason(choice),
            "stop_reason": choice.stop,
            "token_ids": None,
        }

    def _logprobs(self, pieces: list[str]) -> JsonObject:
        return {"content": [chat_entry(piece, self._top or 0) for piece in pieces if piece]}


def reason(choice: Choice) -> str:
    return "tool_calls" if choice.call is not None and choice.finish == "stop" else choice.finish
