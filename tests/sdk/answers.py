"""OpenAI's answers, to the last field the SDK's strict client insists on. Rule: shape is all, content nothing."""

from collections.abc import Callable, Mapping
from typing import Any

Json = dict[str, Any]

MODEL = "emulated"
USAGE: Json = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "sexual"),
    *("self-harm", "self-harm/instructions", "self-harm/intent", "sexual/minors", "violence", "violence/graphic"),
)
PICTURE: Json = {"size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png"}
PIXELS: Json = {"b64_json": "iVBORw0KGgo="}


def chat() -> Json:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "clover", "refusal": None},
        "finish_reason": "stop",
        "logprobs": None,
    }
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [choice],
        "usage": usage,
    }


def chat_events() -> list[Json]:
    chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    deltas = [({"role": "assistant", "content": ""}, None), ({"content": "clover"}, None), ({}, "stop")]
    choices = [[{"index": 0, "delta": delta, "finish_reason": reason}] for delta, reason in deltas]
    return [*({**chunk, "choices": choice} for choice in choices), {**chunk, "choices": [], "usage": chat()["usage"]}]


def response(status: str = "completed") -> Json:
    text = {"type": "output_text", "text": "clover", "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": [text]}
    details = {
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": MODEL,
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {**USAGE, **details} if status == "completed" else None,
    }


def response_events() -> list[Json]:
    delta = {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": response("in_progress")},
        {**delta, "delta": "clover", "logprobs": []},
        {"type": "response.completed", "response": response()},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def moderation() -> Json:
    result = {
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": dict.fromkeys(CATEGORIES, 0.01),
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }
    return {"id": "modr-1", "model": MODEL, "results": [result]}


def images() -> Json:
    usage = {**USAGE, "input_tokens_details": {"image_tokens": 0, "text_tokens": 1}}
    return {"created": 1, "data": [PIXELS], **PICTURE, "usage": usage}


def image_event(kind: str) -> list[Json]:
    return [{"type": kind, "created_at": 1, **PIXELS, **PICTURE, "usage": images()["usage"]}]


WHOLE: Mapping[str, Callable[[], Json]] = {
    "/v1/chat/completions": chat,
    "/v1/responses": response,
    "/v1/moderations": moderation,
    "/v1/images/generations": images,
    "/v1/images/edits": images,
    "/v1/images/variations": images,
    "/v1/audio/transcriptions": lambda: {"text": "clover", "usage": {"type": "duration", "seconds": 1}},
    "/v1/audio/translations": lambda: {"text": "clover"},
}
STREAMED: Mapping[str, Callable[[], list[Json]]] = {
    "/v1/chat/completions": chat_events,
    "/v1/responses": response_events,
    "/v1/images/generations": lambda: image_event("image_generation.completed"),
    "/v1/images/edits": lambda: image_event("image_edit.completed"),
    "/v1/audio/transcriptions": lambda: [{"type": "transcript.text.done", "text": "clover"}],
}
