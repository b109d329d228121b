"""Writes a conversation as a chat request that any compatible server takes."""

from typing import Any

import msgspec

from backends.contract.conversation import (
    GOOGLE,
    Audio,
    Conversation,
    Document,
    Image,
    Message,
    Part,
    Reasoning,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from backends.contract.dialect import Written
from backends.dialects.openai.chat.wire import FORMATS

_PLAIN = (
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "n",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "service_tier",
    "user",
    "parallel_tool_calls",
    "stop",
)
_BUDGETS = ((2048, "low"), (8192, "medium"))  # up to so many tokens of thought


def write_chat(conversation: Conversation, model: str, target: bytes, limit: str) -> Written:
    """The body of ``POST /chat/completions``. Of ``extra`` nothing is sent: another API's fields mean nothing here."""
    body: dict[str, Any] = {
        "model": model,
        "messages": [one for message in conversation.messages for one in _messages(message)],
    }
    if conversation.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if conversation.max_tokens is not None:
        body[limit] = conversation.max_tokens
    for name in _PLAIN:
        value = getattr(conversation, name)
        if value not in (None, "", []):
            body[name] = value
    _tools(body, conversation)
    wanted = conversation.response_format
    if wanted is not None and wanted.kind == "json_schema":
        schema: dict[str, Any] = {"name": wanted.name or "answer", "schema": wanted.schema}
        if wanted.strict is not None:
            schema["strict"] = wanted.strict
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif wanted is not None:
        body["response_format"] = {"type": wanted.kind}
    if conversation.reasoning is not None and (effort := _effort(conversation.reasoning)):
        body["reasoning_effort"] = effort
    return Written(target, msgspec.json.encode(body), tuple(conversation.extra))


def _effort(asked: Reasoning) -> str:
    """The effort, or the one whose usual budget comes next; empty: as the model likes."""
    if asked.effort or not asked.budget:  # a budget of 0 is what Anthropic's clients send to ask for nothing special
        return "high" if asked.effort == "max" else asked.effort
    return next((effort for most, effort in _BUDGETS if asked.budget <= most), "high")


def _tools(body: dict[str, Any], conversation: Conversation) -> None:
    if not conversation.tools:
        return
    body["tools"] = []
    for tool in conversation.tools:
        function: dict[str, Any] = {"name": tool.name, "parameters": tool.schema}
        if tool.description:
            function["description"] = tool.description
        if tool.strict is not None:
            function["strict"] = tool.strict
        body["tools"].append({"type": "function", "function": function})
    choice = conversation.tool_choice
    if choice is not None:
        named = {"type": "function", "function": {"name": choice.name}}
        body["tool_choice"] = named if choice.mode == "tool" else choice.mode


def _messages(message: Message) -> list[dict[str, Any]]:
    """A turn may hold several of OpenAI's messages: each tool result is one, before what the user says."""
    results = [_result(part) for part in message.parts if isinstance(part, ToolResult)]
    shown = [image for part in message.parts if isinstance(part, ToolResult) for image in _beside(part)]
    others = [*shown, *(part for part in message.parts if not isinstance(part, ToolResult))]
    if message.role == "assistant":
        return [_assistant(others)]
    if not others:
        return results
    said: dict[str, Any] = {"role": message.role, "content": _content(others)}
    if message.name:
        said["name"] = message.name
    return [*results, said]


def _result(part: ToolResult) -> dict[str, Any]:
    text = "\n".join(inner.text for inner in part.parts if isinstance(inner, Text))
    return {"role": "tool", "tool_call_id": part.id, "content": text}


def _beside(part: ToolResult) -> list[Part]:
    """What a tool showed: OpenAI's tool messages hold text alone, so it follows as the user's."""
    return [inner for inner in part.parts if not isinstance(inner, Text)]


def _assistant(parts: list[Part]) -> dict[str, Any]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    calls = [_call(part) for part in parts if isinstance(part, ToolCall)]
    thoughts = [part for part in parts if isinstance(part, Thought)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts or not calls else None}
    if thoughts:
        message["reasoning_content"] = "".join(thought.text for thought in thoughts)
    if any(thought.signature or thought.redacted for thought in thoughts):
        message["reasoning_details"] = [_detail(thought) for thought in thoughts]
    if calls:
        message["tool_calls"] = calls
    return message


def _detail(thought: Thought) -> dict[str, Any]:
    detail = {"format": FORMATS.get(thought.origin, "unknown")}
    if thought.redacted:
        return detail | {"type": "reasoning.encrypted", "data": thought.redacted}
    return detail | {"type": "reasoning.text", "text": thought.text, "signature": thought.signature}


def _call(part: ToolCall) -> dict[str, Any]:
    call: dict[str, Any] = {
        "id": part.id,
        "type": "function",
        "function": {"name": part.name, "arguments": part.arguments},
    }
    if part.signature and part.origin == GOOGLE:
        call["extra_content"] = {"google": {"thought_signature": part.signature}}
    return call


def _content(parts: list[Part]) -> str | list[dict[str, Any]]:
    if len(parts) == 1 and isinstance(parts[0], Text):
        return parts[0].text
    return [_part(part) for part in parts if not isinstance(part, ToolCall | Thought | ToolResult)]


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Image):
        image = {"url": part.url or f"data:{part.media_type};base64,{part.data}"}
        if part.detail:
            image["detail"] = part.detail
        return {"type": "image_url", "image_url": image}
    if isinstance(part, Audio):
        return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
    assert isinstance(part, Document)
    return {"type": "file", "file": _file(part)}


def _file(part: Document) -> dict[str, str]:
    if part.id:
        return {"file_id": part.id}
    data = part.url or f"data:{part.media_type};base64,{part.data}"
    return {"filename": part.name or "document", "file_data": data}
