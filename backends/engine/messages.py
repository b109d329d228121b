"""Anthropic's /v1/messages for plain text."""

from backends.engine import prompt
from backends.engine.generation import Usage
from backends.engine.http import Answer, Request
from backends.engine.request_plan import Choice, choose
from backends.engine.requests import JsonObject, Message, MessagesRequest, Sampled, read
from backends.engine.service import Service, encode, named_event, new_id


def serve_messages(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, MessagesRequest)
    service.check_model(asked.model)
    rendered = _render(asked)
    room = service.limits.room(rendered, asked.max_tokens)
    choices = choose(rendered, Sampled(stop=asked.stop_sequences), room, service.limits.block_size)
    dialect = MessagesDialect(service.model, rendered.tokens, choices[0])
    service.generate(answer, dialect, choices, 1, asked.stream)


def serve_count_tokens(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, MessagesRequest)
    service.check_model(asked.model)
    answer.respond(200, encode({"input_tokens": _render(asked).tokens}))


def _render(asked: MessagesRequest) -> prompt.Prompt:
    system = [Message("system", asked.system)] if asked.system else []
    return prompt.chat([*system, *asked.messages], asked.tools)


class MessagesDialect:
    def __init__(self, model: str, prompt_tokens: int, choice: Choice) -> None:
        self._model = model
        self._prompt_tokens = prompt_tokens
        self._choice = choice
        self._id = new_id("msg")

    def opening(self) -> list[bytes]:
        start = self._message([], Usage(self._prompt_tokens, 0, 0), None)
        block = {"type": "text", "text": ""}
        return [
            named_event({"type": "message_start", "message": start}),
            named_event({"type": "content_block_start", "index": 0, "content_block": block}),
        ]

    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]:
        return [
            named_event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}})
            for piece in self._choice.pieces[start:end]
            if piece
        ]

    def closing(self, usage: Usage) -> list[bytes]:
        end = {"stop_reason": self._reason(), "stop_sequence": self._choice.stop}
        return [
            named_event({"type": "content_block_stop", "index": 0}),
            named_event({"type": "message_delta", "delta": end, "usage": _usage(usage)}),
            named_event({"type": "message_stop"}),
        ]

    def body(self, usage: Usage) -> bytes:
        return encode(self._message([{"type": "text", "text": self._choice.text()}], usage, self._reason()))

    def _reason(self) -> str:
        if self._choice.stop is not None:
            return "stop_sequence"
        return "end_turn" if self._choice.finish == "stop" else "max_tokens"

    def _message(self, content: list[JsonObject], usage: Usage, reason: str | None) -> JsonObject:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": reason,
            "stop_sequence": self._choice.stop if reason else None,
            "usage": _usage(usage),
        }


def _usage(usage: Usage) -> JsonObject:
    """Anthropic counts cached tokens beside the input, not within it."""
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
    }
