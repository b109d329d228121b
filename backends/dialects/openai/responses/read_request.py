"""Reads a responses request into a conversation. Nothing is stored between calls.

``previous_response_id``, ``conversation`` and ``background`` need a server that keeps state: they are refused where a
deployment does not speak this API itself.
"""

import msgspec

from backends.contract.conversation import (
    Audio,
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Raw,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    present,
)
from backends.contract.facts import Facts
from backends.contract.peek import BadBody
from backends.dialects.openai.chat.read_request import bad_body, media
from backends.dialects.openai.responses import wire
from backends.dialects.openai.responses.reasoning_signatures import unseal

#: What the responses API calls a field that OpenAI's chat calls otherwise.
NAMES = {"max_tokens": "max_output_tokens", "response_format": "text.format", "reasoning_effort": "reasoning"}
_ROLES = frozenset({"system", "developer", "user", "assistant"})
_decode = msgspec.json.Decoder(wire.ResponsesRequest).decode


def read_responses(facts: Facts) -> Conversation:
    """The conversation of a responses request; usage is always part of its answer.

    Raises:
        BadBody: not one, or one that needs state; ``param`` is the path of what is wrong.
    """
    try:
        asked = _decode(facts.body)
    except msgspec.DecodeError as error:
        raise bad_body(error) from None
    _refuse_state(asked)
    extra = {key: value for key, value in facts.fields.items() if key not in wire.READ and present(value)}
    messages = [Message("system", [Text(asked.instructions)])] if asked.instructions else []
    return Conversation(
        messages=messages + _messages(asked.input),
        stream=bool(asked.stream),
        include_usage=True,
        tools=_tools(asked.tools or [], extra),
        tool_choice=_tool_choice(asked.tool_choice),
        parallel_tool_calls=asked.parallel_tool_calls,
        max_tokens=asked.max_output_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_logprobs=asked.top_logprobs,
        response_format=_format(asked.text),
        reasoning=_reasoning(asked.reasoning),
        service_tier=asked.service_tier or "",
        user=asked.user or "",
        metadata={key: str(value) for key, value in (asked.metadata or {}).items()},
        extra=extra,
    )


def _refuse_state(asked: wire.ResponsesRequest) -> None:
    given = {
        "previous_response_id": bool(asked.previous_response_id),
        "conversation": present(asked.conversation),
        "background": bool(asked.background),
    }
    for name in (name for name, used in given.items() if used):
        raise BadBody(f"'{name}' is not served here: no answer is kept; send the whole conversation as 'input'", name)


def _messages(given: str | list[wire.Item] | None) -> list[Message]:
    if given is None:
        raise BadBody("you must provide an 'input' parameter", "input")
    if isinstance(given, str):
        return [Message("user", [Text(given)])]
    messages: list[Message] = []
    proof = ("", "")  # of the call that follows
    for i, item in enumerate(given):
        path = f"input[{i}]"
        match item.type:
            case "message":
                messages.append(_message(item, path))
            case "function_call":
                if not isinstance(item.arguments, str):
                    raise BadBody(f"invalid '{path}.arguments': it must be a string of JSON", f"{path}.arguments")
                call = ToolCall(item.call_id or "", item.name, item.arguments or "{}", *proof)
                proof = ("", "")
                messages.append(Message("assistant", [call]))
            case "function_call_output":
                messages.append(Message("user", [ToolResult(item.call_id or "", _output(item.output, path))]))
            case "reasoning":
                text = "\n".join(part.text for part in item.summary or ())
                thought, of_call = unseal(item.encrypted_content or "", text)
                if of_call:
                    proof = (thought.signature, thought.origin)
                elif thought.text or thought.signature or thought.redacted:
                    messages.append(Message("assistant", [thought]))
            case _:
                raise BadBody(f"'{path}': an item of type {item.type!r} is not understood by this model", path)
    return _joined(messages)


def _joined(messages: list[Message]) -> list[Message]:
    """The items of one turn of the assistant are one message."""
    joined: list[Message] = []
    for message in messages:
        if joined and message.role == "assistant" == joined[-1].role:
            joined[-1].parts += message.parts
        else:
            joined.append(message)
    return joined


def _message(item: wire.Item, path: str) -> Message:
    if item.role not in _ROLES:
        raise BadBody(f"invalid '{path}.role': {item.role!r} is not one of {', '.join(sorted(_ROLES))}", f"{path}.role")
    return Message(item.role, _parts(item.content, f"{path}.content"))


def _output(output: str | list[wire.Part] | None, path: str) -> list[Text | Image | Document]:
    return [part for part in _parts(output, f"{path}.output") if isinstance(part, Text | Image | Document)]


def _parts(content: str | list[wire.Part] | None, path: str) -> list[Part]:
    if isinstance(content, str) or content is None:
        return [Text(content)] if content else []
    return [_part(part, f"{path}[{i}]") for i, part in enumerate(content)]


def _part(part: wire.Part, path: str) -> Part:
    match part.type:
        case "input_text" | "output_text" | "text":
            return Text(part.text)
        case "refusal":
            return Text(part.refusal)
        case "input_image" if part.image_url:
            inline = media(part.image_url)
            detail = part.detail or ""
            return Image(*inline, detail=detail) if inline else Image(url=part.image_url, detail=detail)
        case "input_audio" if part.input_audio is not None:
            return Audio(part.input_audio.format, part.input_audio.data)
        case "input_file":
            return _document(part, path)
    raise BadBody(f"'{path}': a part of type {part.type!r} is not understood by this model, or lacks its content", path)


def _document(part: wire.Part, path: str) -> Document:
    name = part.filename or ""
    if part.file_url:
        return Document(url=part.file_url, name=name)
    if part.file_id:
        return Document(id=part.file_id, name=name)
    if not part.file_data:
        raise BadBody(f"invalid '{path}': it needs file_data, file_url or file_id", path)
    inline = media(part.file_data)
    return Document(*inline, name=name) if inline else Document(data=part.file_data, name=name)


def _tools(specs: list[wire.ToolSpec], extra: dict[str, Raw]) -> list[Tool]:
    """The client's own functions; tools that OpenAI runs have no place elsewhere."""
    tools = []
    for i, spec in enumerate(specs):
        if spec.type != "function":
            extra[f"tools[{i}]"] = Raw(b"{}")
            continue
        tool = Tool(spec.name, description=spec.description or "", strict=spec.strict)
        if present(spec.parameters):
            tool.schema = spec.parameters
        tools.append(tool)
    return tools


def _tool_choice(choice: str | wire.Choice | None) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str) and choice in ("auto", "none", "required"):
        return ToolChoice(choice)
    if isinstance(choice, wire.Choice) and choice.type == "function" and choice.name:
        return ToolChoice("tool", choice.name)
    raise BadBody("invalid 'tool_choice': auto, none, required, or a function by its name", "tool_choice")


def _format(text: wire.TextSpec | None) -> Format | None:
    wanted = text.format if text else None
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return Format("json_object")
    if wanted.type != "json_schema" or not present(wanted.schema):
        raise BadBody("invalid 'text.format': it needs a schema", "text.format")
    return Format("json_schema", wanted.schema, wanted.name, wanted.description or "", wanted.strict)


def _reasoning(asked: wire.ReasoningSpec | None) -> Reasoning | None:
    if asked is None or not (asked.effort or asked.summary):
        return None
    return Reasoning(asked.effort or "", adaptive=not asked.effort, shown=True if asked.summary else None)
