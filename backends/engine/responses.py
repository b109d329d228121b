"""/v1/responses for plain text: one message, native events, nothing stored."""

from backends.engine import prompt
from backends.engine.generation import Usage
from backends.engine.http import Answer, Request
from backends.engine.request_plan import Choice, choose
from backends.engine.requests import JsonObject, Message, ResponsesRequest, Sampled, read
from backends.engine.service import Service, encode, named_event, new_id, now


def serve_responses(service: Service, request: Request, answer: Answer) -> None:
    asked = read(request.body, ResponsesRequest)
    service.check_model(asked.model)
    rendered = prompt.chat(messages(asked), asked.tools)
    room = service.limits.room(rendered, asked.max_output_tokens)
    choices = choose(rendered, Sampled(), room, service.limits.block_size)
    service.generate(answer, ResponsesDialect(service.model, asked, choices[0]), choices, 1, asked.stream)


def messages(asked: ResponsesRequest) -> list[Message]:
    """The conversation of an input; items that are no messages count as what they say in JSON."""
    system = [Message("system", asked.instructions)] if asked.instructions else []
    if isinstance(asked.input, str):
        return [*system, Message("user", asked.input)]
    return system + [
        Message(str(item.get("role", "tool")), item["content"] if "content" in item else encode(item).decode())
        for item in asked.input
    ]


class ResponsesDialect:
    def __init__(self, model: str, asked: ResponsesRequest, choice: Choice) -> None:
        self._model = model
        self._asked = asked
        self._choice = choice
        self._id = new_id("resp")
        self._item = new_id("msg")
        self._created = now()
        self._number = -1

    def opening(self) -> list[bytes]:
        response = self._response("in_progress", [])
        return [
            self._event("response.created", response=response),
            self._event("response.in_progress", response=response),
            self._event("response.output_item.added", output_index=0, item=self._message("in_progress", [])),
            self._event("response.content_part.added", **self._place(), part=self._part("")),
        ]

    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]:
        return [
            self._event("response.output_text.delta", **self._place(), delta=piece, logprobs=[])
            for piece in self._choice.pieces[start:end]
            if piece
        ]

    def closing(self, usage: Usage) -> list[bytes]:
        text = self._choice.text()
        message = self._message(self._status(), [self._part(text)])
        response = self._response(self._status(), [message], usage)
        return [
            self._event("response.output_text.done", **self._place(), text=text, logprobs=[]),
            self._event("response.content_part.done", **self._place(), part=self._part(text)),
            self._event("response.output_item.done", output_index=0, item=message),
            self._event(f"response.{self._status()}", response=response),
        ]

    def body(self, usage: Usage) -> bytes:
        message = self._message(self._status(), [self._part(self._choice.text())])
        return encode(self._response(self._status(), [message], usage))

    def _status(self) -> str:
        return "completed" if self._choice.finish == "stop" else "incomplete"

    def _event(self, kind: str, **fields: object) -> bytes:
        self._number += 1
        return named_event({"type": kind, "sequence_number": self._number, **fields})

    def _place(self) -> JsonObject:
        return {"item_id": self._item, "output_index": 0, "content_index": 0}

    def _part(self, text: str) -> JsonObject:
        return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}

    def _message(self, status: str, content: list[JsonObject]) -> JsonObject:
        return {"id": self._item, "type": "message", "role": "assistant", "status": status, "content": content}

    def _response(self, status: str, output: list[JsonObject], usage: Usage | None = None) -> JsonObject:
        asked = self._asked
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "model": self._model,
            "status": status,
            "error": None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": asked.instructions,
            "max_output_tokens": asked.max_output_tokens,
            "metadata": asked.metadata,
            "output": output,
            "parallel_tool_calls": asked.parallel_tool_calls is not False,
            "temperature": asked.temperature,
            "tool_choice": asked.tool_choice or "auto",
            "tools": asked.tools or [],
            "top_p": asked.top_p,
            "usage": None if usage is None else _usage(usage),
        }


def _usage(usage: Usage) -> JsonObject:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
