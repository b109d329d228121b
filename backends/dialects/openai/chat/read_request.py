"""Reads a chat request into a conversation. Errors name the field by its path."""

import re

import msgspec

from backends.contract.conversation import (
    GOOGLE,
    Audio,
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
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
from backends.dialects.openai.chat import wire

_decode = msgspec.json.Decoder(wire.ChatRequest).decode
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*?)?;base64,", re.IGNORECASE)
_PATH = re.compile(r"^(.*) - at `\$\.?(.*)`$", re.DOTALL)
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


def read_chat(facts: Facts) -> Conversation:
    """The conversation of a chat completion request.

    Raises:
        BadBody: not one; ``param`` is the path of what is wrong.
    """
    try:
        request = _decode(facts.body)
    except msgspec.DecodeError as error:
        raise bad_body(error) from None
    stop = [request.stop] if isinstance(request.stop, str) else request.stop
    return Conversation(
        messages=[_message(message, f"messages[{i}]") for i, message in enumerate(request.messages)],
        stream=bool(request.stream),
        include_usage=bool(request.stream_options and request.stream_options.include_usage),
        tools=_tools(request),
        tool_choice=_tool_choice(request.tool_choice if request.tool_choice is not None else request.function_call),
        parallel_tool_calls=request.parallel_tool_calls,
        max_tokens=request.max_completion_tokens if request.max_completion_tokens is not None else request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=request.top_k,
        stop=stop or [],
        seed=request.seed,
        n=request.n,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        logit_bias=request.logit_bias if present(request.logit_bias) else None,
        logprobs=request.logprobs,
        top_logprobs=request.top_logprobs,
        response_format=_format(request.response_format),
        reasoning=_reasoning(request),
        service_tier=request.service_tier or "",
        user=request.user or _text(facts.value("safety_identifier")),
        metadata={key: str(value) for key, value in (request.metadata or {}).items()},
        extra={key: value for key, value in facts.fields.items() if key not in wire.READ and present(value)},
    )


def bad_body(error: msgspec.DecodeError) -> BadBody:
    """A decoder's complaint, with the path it names as the field at fault."""
    found = _PATH.match(str(error))
    if found is None:
        return BadBody(f"invalid request body: {error}")
    path = found[2].replace("[...]", "[]")
    return BadBody(f"invalid '{path}': {found[1]}" if path else f"invalid request body: {found[1]}", path or None)


def media(url: str) -> tuple[str, str] | None:
    """The media type and base64 data of a data URL; None for any other URL."""
    found = _DATA_URL.match(url)
    return (found[1] or "text/plain", url[found.end() :]) if found else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _message(message: wire.Message, path: str) -> Message:
    role = message.role
    if role not in _ROLES:
        raise BadBody(f"invalid '{path}.role': {role!r} is not one of {', '.join(sorted(_ROLES))}", f"{path}.role")
    parts = _content(message.content, f"{path}.content")
    if role in ("tool", "function"):
        return Message("user", [_result(message, parts, path)])
    if message.cache_control is not None and parts and isinstance(parts[-1], Text | Image | Document):
        parts[-1].cache = cache_ttl(message.cache_control)
    if role == "assistant":
        said = [Text(message.refusal)] if message.refusal else []
        return Message(role, [*_thoughts(message), *parts, *said, *_calls(message)])
    return Message(role, parts, message.name or "")


def cache_ttl(cache: wire.Cache | None) -> str:
    """A marker's time to live; empty where there is no marker."""
    return (cache.ttl or "5m") if cache is not None else ""


def _content(content: str | list[wire.ContentPart] | None, path: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [_part(part, f"{path}[{i}]") for i, part in enumerate(content)]


def _part(part: wire.ContentPart, path: str) -> Part:
    cache = cache_ttl(part.cache_control)
    if part.type == "text" and part.text is not None:
        return Text(part.text, cache)
    if part.type == "refusal" and part.refusal is not None:
        return Text(part.refusal)
    if part.type == "image_url" and part.image_url is not None:
        image = wire.ImageUrl(part.image_url) if isinstance(part.image_url, str) else part.image_url
        inline = media(image.url)
        if inline is not None:
            return Image(inline[0], inline[1], detail=image.detail or "", cache=cache)
        return Image(url=image.url, detail=image.detail or "", cache=cache)
    if part.type == "input_audio" and part.input_audio is not None:
        return Audio(part.input_audio.format, part.input_audio.data)
    if part.type == "file" and part.file is not None:
        return _document(part.file, cache, path)
    raise BadBody(f"invalid '{path}': a part of type {part.type!r} is not supported, or has no content", path)


def _document(file: wire.File, cache: str, path: str) -> Document:
    name = file.filename or ""
    if file.file_data:
        inline = media(file.file_data)
        if inline is not None:
            return Document(inline[0], inline[1], name=name, cache=cache)
        if file.file_data.startswith(("https://", "http://")):
            return Document(url=file.file_data, name=name, cache=cache)
        return Document(data=file.file_data, name=name, cache=cache)
    if file.file_id:
        return Document(id=file.file_id, name=name, cache=cache)
    raise BadBody(f"invalid '{path}.file': it needs file_data or file_id", f"{path}.file")


def _result(message: wire.Message, parts: list[Part], path: str) -> ToolResult:
    said = [part for part in parts if isinstance(part, Text | Image | Document)]
    if len(said) != len(parts):
        raise BadBody(f"invalid '{path}.content': a tool result may hold text, images and files", f"{path}.content")
    return ToolResult(message.tool_call_id or "", said, message.name or "", cache=cache_ttl(message.cache_control))


def _calls(message: wire.Message) -> list[ToolCall]:
    calls = []
    for call in message.tool_calls or ():
        if call.function is None:
            raise BadBody(f"a tool call of type {call.type!r} is not supported", "messages")
        google = call.extra_content.google if call.extra_content else None
        signature = google.thought_signature if google else ""
        calls.append(
            ToolCall(
                id=call.id,
                name=call.function.name,
                arguments=call.function.arguments or "{}",
                signature=signature,
                origin=GOOGLE if signature else "",
                cache=cache_ttl(call.cache_control),
            )
        )
    if message.function_call is not None:
        calls.append(ToolCall("", message.function_call.name, message.function_call.arguments or "{}"))
    return calls


def _thoughts(message: wire.Message) -> list[Thought]:
    """Reasoning of earlier turns: the detailed form, which carries signatures, else the plain text."""
    if message.reasoning_details:
        return [
            Thought(
                detail.text or detail.summary or "",
                detail.signature or "",
                detail.data or "",
                wire.ORIGINS.get(detail.format or "", ""),
            )
            for detail in message.reasoning_details
        ]
    text = message.reasoning_content or message.reasoning
    return [Thought(text)] if text else []


def _tools(request: wire.ChatRequest) -> list[Tool]:
    tools = []
    for i, spec in enumerate(request.tools or ()):
        if spec.function is None:
            raise BadBody(
                f"invalid 'tools[{i}]': a tool of type {spec.type!r} is not supported by this model", f"tools[{i}]"
            )
        tools.append(_tool(spec.function, cache_ttl(spec.cache_control)))
    return tools + [_tool(function, "") for function in request.functions or ()]


def _tool(function: wire.FunctionSpec, cache: str) -> Tool:
    tool = Tool(function.name, description=function.description or "", strict=function.strict, cache=cache)
    if present(function.parameters):
        tool.schema = function.parameters
    return tool


def _tool_choice(choice: str | wire.Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in ("auto", "none", "required"):
            raise BadBody(f"invalid 'tool_choice': {choice!r} is not one of auto, none, required", "tool_choice")
        return ToolChoice(choice)
    name = choice.function.name if choice.function else choice.name
    if not name:
        raise BadBody("invalid 'tool_choice': it must name a function", "tool_choice")
    return ToolChoice("tool", name)


def _format(format: wire.ResponseFormat | None) -> Format | None:
    if format is None or format.type == "text":
        return None
    if format.type == "json_object":
        return Format("json_object")
    if format.type != "json_schema" or format.json_schema is None or not present(format.json_schema.schema):
        raise BadBody("invalid 'response_format': it needs a json_schema with a schema", "response_format")
    schema = format.json_schema
    return Format("json_schema", schema.schema, schema.name, schema.description or "", schema.strict)


def _reasoning(request: wire.ChatRequest) -> Reasoning | None:
    if request.thinking is not None:
        return thinking(request.thinking)
    if request.reasoning is not None:
        spec = request.reasoning
        budget = 0 if spec.enabled is False else spec.max_tokens
        return Reasoning(spec.effort or "", budget, shown=False if spec.exclude else None, adaptive=bool(spec.enabled))
    return Reasoning(request.reasoning_effort) if request.reasoning_effort else None


def thinking(spec: wire.ThinkingSpec) -> Reasoning:
    """Anthropic's ``thinking``."""
    shown = None if spec.display is None else spec.display != "omitted"
    if spec.type == "disabled":
        return Reasoning(budget=0)
    return Reasoning(budget=spec.budget_tokens, adaptive=spec.type != "enabled", shown=shown)
