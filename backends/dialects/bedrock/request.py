"""Writes a conversation as a Converse request. Fields without a counterpart are reported as dropped.

Turns alternate (neighbours of one role become one), system text stands apart, blank text is left out (Converse refuses
it), and a cache marker is a block of its own after what it marks.
"""

import base64
import re
from typing import Any
from urllib.parse import quote

import msgspec

from backends.contract.conversation import (
    Conversation,
    Document,
    Image,
    Message,
    Part,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
)
from backends.contract.dialect import Inexpressible, Written
from backends.dialects.anthropic.messages.write_request import arguments
from backends.dialects.bedrock.models import family, origin, spell
from backends.dialects.merge_turns import turns

Block = dict[str, Any]

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_TIERS = ("priority", "flex", "reserved")
_SILENT = ("seed", "n", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs", "top_logprobs")
#: Converse's own fields, that a client may give as they are.
_OWN = ("guardrailConfig", "performanceConfig", "additionalModelResponseFieldPaths", "promptVariables")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9\-()\[\] ]+")  # of documents
_NOT_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}").fullmatch


def write(asked: Conversation, model: str) -> Written:
    """The wire request: ``/model/ID/converse`` or ``converse-stream``.

    Raises:
        Inexpressible: a picture at a URL, say.
    """
    lost = asked.given(*_SILENT)
    system, messages = turns(asked)
    body: Block = {
        "messages": _messages(messages, model),
        "system": [block for part in system for block in _text(part)],
        "inferenceConfig": _inference(asked),
        "toolConfig": _tools(asked, lost),
        "outputConfig": _output(asked, lost),
        "serviceTier": _tier(asked, lost),
        "requestMetadata": _metadata(asked, lost),
    }
    more = spell(body, asked, messages, model, lost)
    for name, raw in asked.extra.items():
        if name in _OWN:
            body[name] = raw
        elif name == "additionalModelRequestFields":
            more |= _object(raw, name)
        else:
            lost.append(name)
    body["additionalModelRequestFields"] = more
    if asked.stop and family(model) == "claude":  # it tells then which one it met
        body.setdefault("additionalModelResponseFieldPaths", ["/stop_sequence"])
    verb = "converse-stream" if asked.stream else "converse"
    target = f"/model/{quote(model, safe='')}/{verb}".encode()
    told = {name: value for name, value in body.items() if value}
    return Written(target, msgspec.json.encode(told), tuple(lost))


def _object(raw: msgspec.Raw, name: str) -> Block:
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        raise Inexpressible(f"'{name}' must be an object", name) from None


def _inference(asked: Conversation) -> Block:
    fields = {
        "maxTokens": asked.max_tokens,
        "temperature": asked.temperature,
        "topP": asked.top_p,
        "stopSequences": asked.stop or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _output(asked: Conversation, lost: list[str]) -> Block:
    wanted = asked.response_format
    if wanted is None or wanted.kind == "text":
        return {}
    if wanted.kind != "json_schema":
        lost.append("response_format")
        return {}
    schema: Block = {"schema": bytes(wanted.schema).decode()}
    if wanted.name:
        schema["name"] = wanted.name
    if wanted.description:
        schema["description"] = wanted.description
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}


def _tier(asked: Conversation, lost: list[str]) -> Block:
    if asked.service_tier in _TIERS:
        return {"type": asked.service_tier}
    lost += asked.given("service_tier")
    return {}


def _metadata(asked: Conversation, lost: list[str]) -> dict[str, str]:
    """Up to 16 pairs that AWS's invocation log keeps."""
    pairs = asked.metadata
    if len(pairs) > 16 or not all(_METADATA(text) for pair in pairs.items() for text in pair):
        lost.append("metadata")
        pairs = {}
    if asked.user and _METADATA(asked.user) and len(pairs) < 16:
        return {**pairs, "user": asked.user}
    lost += asked.given("user")
    return pairs


def _tools(asked: Conversation, lost: list[str]) -> Block:
    """Tools stay where the conversation has calls in it, since Converse then wants them described."""
    choice = asked.tool_choice
    mode = choice.mode if choice is not None else "auto"
    spoken = any(isinstance(part, ToolCall | ToolResult) for message in asked.messages for part in message.parts)
    if not asked.tools or (mode == "none" and not spoken):
        return {}
    config: Block = {"tools": [block for tool in asked.tools for block in _tool(tool)]}
    if mode == "none":
        lost.append("tool_choice")
    elif mode == "required":
        config["toolChoice"] = {"any": {}}
    elif choice is not None and mode == "tool":
        config["toolChoice"] = {"tool": {"name": choice.name}}
    return config


def _tool(tool: Tool) -> list[Block]:
    spec: Block = {"name": tool.name, "inputSchema": {"json": tool.schema}}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return [{"toolSpec": spec}, *_marker(tool.cache)]


def _marker(cache: str) -> list[Block]:
    """A cache marker's block; five minutes are what it means unsaid."""
    if not cache:
        return []
    return [{"cachePoint": {"type": "default", **({"ttl": cache} if cache != "5m" else {})}}]


def _messages(messages: list[Message], model: str) -> list[Block]:
    names = _Names()
    spoken = []
    for message in messages:
        content = [block for part in message.parts for block in _part(part, model, names)]
        if content:
            spoken.append({"role": message.role, "content": content})
    if not spoken:
        raise Inexpressible("there is no message with content", "messages")
    return spoken


class _Names:
    """Names of documents: each must differ from the others of its request."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, document: Document) -> str:
        self._count += 1
        stem = " ".join(_NOT_IN_NAMES.sub(" ", document.name.rpartition(".")[0] or document.name).split())
        return f"{stem} {self._count}".strip() if stem else f"Document {self._count}"


def _part(part: Part, model: str, names: _Names) -> list[Block]:
    if isinstance(part, Text):
        return _text(part)
    if isinstance(part, ToolCall):
        use = {"toolUseId": _id(part.id), "name": part.name, "input": arguments(part)}
        return [{"toolUse": use}, *_marker(part.cache)]
    if isinstance(part, ToolResult):
        return _result(part, names)
    if isinstance(part, Thought):
        return _thought(part, model)
    if isinstance(part, Image | Document):
        return _media(part, names)
    return [{"audio": {"format": part.format, "source": {"bytes": part.data}}}]


def _id(id: str) -> str:
    """A call's id in the letters and length Converse allows; the same for the call and for its result."""
    return _NOT_AN_ID.sub("_", id)[:64] or "tooluse_0"


def _text(part: Text) -> list[Block]:
    return [{"text": part.text}, *_marker(part.cache)] if part.text.strip() else []


def _media(part: Image | Document, names: _Names) -> list[Block]:
    formats = _IMAGES if isinstance(part, Image) else _DOCUMENTS
    what = "image" if isinstance(part, Image) else "document"
    if part.url.startswith("s3://"):
        source: Block = {"s3Location": {"uri": part.url}}
    elif part.data:
        source = {"bytes": part.data}
    else:
        raise Inexpressible(
            f"Bedrock takes {what}s as data: or s3:// URLs only (defaults.media.fetch would fetch others)", "messages"
        )
    format = formats.get(part.media_type) or (_suffix(part.url, formats) if part.url else None)
    if format is None:
        known = ", ".join(sorted(set(formats)))
        raise Inexpressible(f"Bedrock does not take {what}s of type '{part.media_type}' (but {known})", "messages")
    block: Block = {"format": format, "source": source}
    if isinstance(part, Document):
        block["name"] = names.of(part)
    return [{what: block}, *_marker(part.cache)]


def _suffix(url: str, formats: dict[str, str]) -> str | None:
    ending = url.rpartition(".")[2].lower().replace("jpg", "jpeg")
    return ending if ending in formats.values() else None


def _result(part: ToolResult, names: _Names) -> list[Block]:
    content: list[Block] = []
    for inner in part.parts:
        content += [{"text": inner.text}] if isinstance(inner, Text) else _media(inner, names)[:1]
    result: Block = {"toolUseId": _id(part.id), "content": content}
    if part.is_error:
        result["status"] = "error"
    marks = [inner.cache for inner in part.parts if inner.cache]
    return [{"toolResult": result}, *_marker(part.cache or (marks[-1] if marks else ""))]


def _thought(part: Thought, model: str) -> list[Block]:
    """A thought goes back to where it was signed; no other place could read it, and none needs to."""
    if part.origin not in ("", origin(model)) or not (part.signature or part.redacted):
        return []
    if part.redacted:  # a blob on the wire; Anthropic's own text is what it holds
        blob = base64.b64encode(part.redacted.encode()).decode() if family(model) == "claude" else part.redacted
        return [{"reasoningContent": {"redactedContent": blob}}]
    return [{"reasoningContent": {"reasoningText": {"text": part.text, "signature": part.signature}}}]
