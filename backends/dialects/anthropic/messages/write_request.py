"""Writes a conversation as a messages request. Fields without a counterpart are reported as dropped.

Claude on other clouds takes the same body but for model and version, so this is theirs too.
"""

import base64
import re
from typing import Any

import msgspec

from backends.contract.conversation import (
    ANTHROPIC,
    Audio,
    Conversation,
    Document,
    Image,
    Message,
    Part,
    Raw,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
)
from backends.contract.dialect import Inexpressible, Written
from backends.contract.headers import headers
from backends.dialects.anthropic.messages.thinking import set_thinking
from backends.dialects.merge_turns import turns

MAX_TOKENS = 8192  # Anthropic asks for a limit; this is ours where the client gave none
#: The versions of the API. The newer one knows no sampling parameters, so it is left where a client insists on them.
OLD_VERSION, NEW_VERSION = (headers(anthropic_version=version) for version in ("2023-06-01", "2026-10-21"))
FILES_BETA = headers(anthropic_beta="files-api-2025-04-14")
_UNKNOWN = ("seed", "n", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs")
_NATIVE = frozenset({"cache_control", "container", "context_management", "inference_geo", "mcp_servers", "speed"})
_SAMPLING = frozenset({"temperature", "top_p", "top_k"})
_CHOICES = {"auto": "auto", "none": "none", "required": "any", "tool": "tool"}
_TIERS = {"auto": "auto", "priority": "auto", "default": "standard_only"}
_NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


def write_messages(conversation: Conversation, model: str) -> Written:
    """The body of ``POST /messages``.

    Raises:
        Inexpressible: sound, or a tool call whose arguments are no JSON object.
    """
    body, dropped = compose(conversation, model)
    body = {"model": model, **body}
    if conversation.stream:
        body["stream"] = True
    files = any(isinstance(p, Document) and p.id for m in conversation.messages for p in m.parts)
    fields = NEW_VERSION if _SAMPLING.isdisjoint(body) else OLD_VERSION
    return Written(b"/messages", msgspec.json.encode(body), tuple(dropped), fields | FILES_BETA if files else fields)


def compose(conversation: Conversation, model: str) -> tuple[dict[str, Any], list[str]]:
    """The body without what depends on whose API it is (model, stream, version), and the fields dropped."""
    dropped = conversation.given(*_UNKNOWN)
    system, messages = turns(conversation)
    body: dict[str, Any] = {"max_tokens": conversation.max_tokens or MAX_TOKENS}
    if system:
        body["system"] = [_block(part, "system") for part in system]
    body["messages"] = [_message(message, i == len(messages) - 1) for i, message in enumerate(messages)]
    if conversation.tools:
        body["tools"] = [_tool(tool) for tool in conversation.tools]
        _choose(body, conversation)
    if conversation.stop:
        body["stop_sequences"] = conversation.stop
    _sample(body, conversation, dropped)
    _format(body, conversation, dropped)
    set_thinking(body, conversation, messages, model, dropped)
    if conversation.user:
        body["metadata"] = {"user_id": conversation.user}
    if conversation.service_tier in _TIERS:
        body["service_tier"] = _TIERS[conversation.service_tier]
    elif conversation.service_tier:
        dropped.append("service_tier")
    for name, value in conversation.extra.items():
        if name in _NATIVE:
            body[name] = value
        else:
            dropped.append(name)
    return body, dropped


def _message(message: Message, last: bool) -> dict[str, Any]:
    where = f"a message of the {message.role}"
    blocks = [_block(part, where) for part in message.parts if _is_sent(part)]
    if last and message.role == "assistant" and blocks and "text" in blocks[-1]:
        blocks[-1]["text"] = blocks[-1]["text"].rstrip()  # a beginning for the answer must not end in space
    return {"role": message.role, "content": blocks}


def _is_sent(part: Part) -> bool:
    """Thoughts go back only to who made them: unsigned ones, and another provider's, would be refused."""
    if not isinstance(part, Thought):
        return True
    return part.origin in ("", ANTHROPIC) and bool(part.signature or part.redacted)


def _block(part: Part, where: str) -> dict[str, Any]:
    if isinstance(part, Text):
        return _marked({"type": "text", "text": part.text}, part.cache)
    if isinstance(part, Image):
        return _marked({"type": "image", "source": _image_source(part)}, part.cache)
    if isinstance(part, Document):
        document: dict[str, Any] = {"type": "document", "source": _document_source(part)}
        if part.name:
            document["title"] = part.name
        return _marked(document, part.cache)
    if isinstance(part, ToolCall):
        call = {"type": "tool_use", "id": _id(part.id), "name": part.name, "input": arguments(part)}
        return _marked(call, part.cache)
    if isinstance(part, ToolResult):
        content = [_block(inner, where) for inner in part.parts]
        result: dict[str, Any] = {"type": "tool_result", "tool_use_id": _id(part.id), "content": content}
        if part.is_error:
            result["is_error"] = True
        return _marked(result, part.cache)
    if isinstance(part, Thought):
        if part.redacted:
            return {"type": "redacted_thinking", "data": part.redacted}
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    assert isinstance(part, Audio)
    raise Inexpressible(f"{where} holds sound, which this model cannot hear", "messages")


def arguments(call: ToolCall) -> Raw:
    """A call's arguments as a JSON object.

    Raises:
        Inexpressible: they are none.
    """
    try:
        value = msgspec.json.decode(call.arguments.strip() or "{}", type=dict[str, Raw])
    except (msgspec.DecodeError, RecursionError):
        raise Inexpressible(f"the arguments of the call of {call.name!r} are not a JSON object", "messages") from None
    return Raw(msgspec.json.encode(value))


def _image_source(image: Image) -> dict[str, str]:
    if image.url:
        return {"type": "url", "url": image.url}
    return {"type": "base64", "media_type": image.media_type, "data": image.data}


def _document_source(document: Document) -> dict[str, str]:
    if document.id:
        return {"type": "file", "file_id": document.id}
    if document.url:
        return {"type": "url", "url": document.url}
    if document.media_type.startswith("text/"):
        try:
            text = base64.b64decode(document.data, validate=True).decode()
        except ValueError:
            raise Inexpressible("a document is not base64 of UTF-8 text", "messages") from None
        return {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "base64", "media_type": document.media_type, "data": document.data}


def _marked(block: dict[str, Any], ttl: str) -> dict[str, Any]:
    """With a cache marker; five minutes are what a marker means by itself."""
    if ttl:
        block["cache_control"] = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    return block


def _id(id: str) -> str:
    """A call's id in the letters Anthropic allows; the same for the call and for its result."""
    return _NOT_AN_ID.sub("_", id) or "toolu_0"


def _tool(tool: Tool) -> dict[str, Any]:
    spec: dict[str, Any] = {"name": tool.name, "input_schema": tool.schema}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return _marked(spec, tool.cache)


def _choose(body: dict[str, Any], conversation: Conversation) -> None:
    asked = conversation.tool_choice
    one_at_a_time = conversation.parallel_tool_calls is False
    if asked is None and not one_at_a_time:
        return
    choice: dict[str, Any] = {"type": _CHOICES[asked.mode] if asked else "auto"}
    if asked and asked.name:
        choice["name"] = asked.name
    if one_at_a_time and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    body["tool_choice"] = choice


def _sample(body: dict[str, Any], conversation: Conversation, dropped: list[str]) -> None:
    """What is asked beyond the defaults: later models and versions of the API take nothing else."""
    temperature = conversation.temperature
    if temperature is not None and temperature > 1:  # the scale ends there, at the default
        dropped.append("temperature")
    elif temperature is not None and temperature != 1:
        body["temperature"] = temperature
    if conversation.top_p is not None and conversation.top_p != 1:
        body["top_p"] = conversation.top_p
    if conversation.top_k is not None:
        body["top_k"] = conversation.top_k


def _format(body: dict[str, Any], conversation: Conversation, dropped: list[str]) -> None:
    wanted = conversation.response_format
    if wanted is None or wanted.kind == "text":
        return
    if wanted.kind == "json_schema":
        body["output_config"] = {"format": {"type": "json_schema", "schema": wanted.schema}}
    else:
        dropped.append("response_format")
