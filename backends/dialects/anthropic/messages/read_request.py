"""Reads a messages request into a conversation. Errors name the field by its path."""

import base64

import msgspec

from backends.contract.conversation import (
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Raw,
    Reasoning,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    present,
)
from backends.contract.facts import Facts
from backends.contract.peek import BadBody
from backends.dialects.anthropic.messages import wire
from backends.dialects.anthropic.messages.reasoning_signatures import unmark
from backends.dialects.openai.chat.read_request import bad_body, cache_ttl, thinking

#: What the messages API calls a field that OpenAI's chat calls otherwise.
NAMES = {
    "stop": "stop_sequences",
    "response_format": "output_config.format",
    "reasoning_effort": "thinking",
    "user": "metadata.user_id",
}
_CHOICES = {"auto": "auto", "none": "none", "any": "required", "tool": "tool"}
_TIERS = {"auto": "auto", "standard_only": "default"}

_decode = msgspec.json.Decoder(wire.MessagesRequest).decode


def read_messages(facts: Facts) -> Conversation:
    """The conversation of a messages request; usage is always part of its answer.

    Raises:
        BadBody: not one, or with blocks that only Anthropic understands; ``param`` is the path of what is wrong.
    """
    try:
        asked = _decode(facts.body)
    except msgspec.DecodeError as error:
        raise bad_body(error) from None
    system = _text_blocks(asked.system)
    messages = [_message(message, f"messages[{i}]") for i, message in enumerate(asked.messages)]
    choice = asked.tool_choice
    extra = {key: value for key, value in facts.fields.items() if key not in wire.READ and present(value)}
    return Conversation(
        messages=[Message("system", list[Part](system)), *messages] if system else messages,
        stream=bool(asked.stream),
        include_usage=True,
        tools=_tools(asked.tools or [], extra),
        tool_choice=_choice(choice) if choice else None,
        parallel_tool_calls=False if choice and choice.disable_parallel_tool_use else None,
        max_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=asked.stop_sequences or [],
        response_format=_format(asked),
        reasoning=_reasoning(asked),
        service_tier=_TIERS.get(asked.service_tier or "", asked.service_tier or ""),
        user=(asked.metadata.user_id if asked.metadata else None) or "",
        extra=extra,
    )


def _text_blocks(content: str | list[wire.Block] | None) -> list[Text]:
    if not content:
        return []
    if isinstance(content, str):
        return [Text(content)]
    return [Text(block.text, cache_ttl(block.cache_control)) for block in content if block.type == "text"]


def _message(message: wire.Message, path: str) -> Message:
    if message.role not in ("user", "assistant", "system"):
        raise BadBody(f"invalid '{path}.role': {message.role!r} is neither user nor assistant", f"{path}.role")
    if isinstance(message.content, str):
        return Message(message.role, [Text(message.content)])
    parts: list[Part] = []
    proof = ("", "")  # of the call that follows
    for i, block in enumerate(message.content):
        part = _part(block, f"{path}.content[{i}]")
        if isinstance(part, Thought) and part.signature:
            part.signature, part.origin, of_call = unmark(part.signature)
            if of_call:
                proof = (part.signature, part.origin)
                continue
        elif isinstance(part, ToolCall):
            (part.signature, part.origin), proof = proof, ("", "")
        parts.append(part)
    return Message(message.role, parts)


def _part(block: wire.Block, path: str) -> Part:
    cache = cache_ttl(block.cache_control)
    match block.type:
        case "text":
            return Text(block.text, cache)
        case "image" if block.source is not None:
            return _image(block.source, cache, path)
        case "document" if block.source is not None:
            return _document(block.source, block.title or "", cache, path)
        case "tool_use":
            return ToolCall(block.id, block.name, bytes(block.input).decode(), cache=cache)
        case "tool_result":
            return ToolResult(block.tool_use_id, _result(block, path), is_error=bool(block.is_error), cache=cache)
        case "thinking":
            return Thought(block.thinking, block.signature)
        case "redacted_thinking":
            return Thought(redacted=block.data)
    raise BadBody(f"'{path}': a block of type {block.type!r} is not understood by this model", path)


def _image(source: wire.Source, cache: str, path: str) -> Image:
    if source.type == "base64":
        return Image(source.media_type, source.data, cache=cache)
    if source.type == "url":
        return Image(url=source.url, cache=cache)
    raise BadBody(
        f"'{path}.source': an image of type {source.type!r} is not understood by this model", f"{path}.source"
    )


def _document(source: wire.Source, name: str, cache: str, path: str) -> Document:
    if source.type == "base64":
        return Document(source.media_type, source.data, name=name, cache=cache)
    if source.type == "text":
        data = base64.b64encode(source.data.encode()).decode()
        return Document("text/plain", data, name=name, cache=cache)
    if source.type == "url":
        return Document(url=source.url, name=name, cache=cache)
    if source.type == "file":
        return Document(id=source.file_id, name=name, cache=cache)
    raise BadBody(
        f"'{path}.source': a document of type {source.type!r} is not understood by this model", f"{path}.source"
    )


def _result(block: wire.Block, path: str) -> list[Text | Image | Document]:
    if isinstance(block.content, str):
        return [Text(block.content)] if block.content else []
    if not isinstance(block.content, list):
        return []
    parts = [_part(inner, f"{path}.content[{i}]") for i, inner in enumerate(block.content)]
    return [part for part in parts if isinstance(part, Text | Image | Document)]


def _tools(specs: list[wire.ToolSpec], extra: dict[str, Raw]) -> list[Tool]:
    """The client's own tools; those that Anthropic runs have no place elsewhere."""
    tools = []
    for i, spec in enumerate(specs):
        if spec.type not in (None, "custom"):
            extra[f"tools[{i}]"] = Raw(b"{}")
            continue
        tool = Tool(spec.name, description=spec.description or "", strict=spec.strict)
        tool.cache = cache_ttl(spec.cache_control)
        if present(spec.input_schema):
            tool.schema = spec.input_schema
        tools.append(tool)
    return tools


def _choice(choice: wire.Choice) -> ToolChoice:
    mode = _CHOICES.get(choice.type)
    if mode is None:
        raise BadBody(f"invalid 'tool_choice.type': {choice.type!r}", "tool_choice.type")
    return ToolChoice(mode, choice.name)


def _format(asked: wire.MessagesRequest) -> Format | None:
    wanted = (asked.output_config.format if asked.output_config else None) or asked.output_format
    return Format("json_schema", wanted.schema, "answer") if wanted and wanted.type == "json_schema" else None


def _reasoning(asked: wire.MessagesRequest) -> Reasoning | None:
    effort = (asked.output_config.effort if asked.output_config else None) or ""
    if asked.thinking is None:
        return Reasoning(effort, only_effort=True) if effort else None
    wanted = thinking(asked.thinking)
    return msgspec.structs.replace(wanted, effort=effort) if effort and wanted.budget != 0 else wanted
