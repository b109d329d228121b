"""Converse, read back: the chat request that a recorded Converse request says, or why there is none."""

import base64
from typing import Any

import msgspec

_OWN = ("guardrailConfig", "additionalModelRequestFields", "additionalModelResponseFieldPaths", "promptVariables")
_TYPES = {"txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "html": "text/html"}


class OutOfScope(Exception):
    """OpenAI's surface has no word for it; the text is the reason."""


def chat_of(body: dict[str, Any]) -> dict[str, Any]:
    """Raises OutOfScope."""
    messages: list[dict[str, Any]] = []
    if body.get("system"):
        messages.append({"role": "system", "content": _marked([_part(block) for block in body["system"]])})
    for message in body["messages"]:
        messages += _messages(message["role"], message["content"])
    asked: dict[str, Any] = {"model": "m", "messages": messages, **{key: body[key] for key in _OWN if key in body}}
    for key, name in (("maxTokens", "max_tokens"), ("temperature", "temperature"), ("topP", "top_p")):
        if key in body.get("inferenceConfig", {}):
            asked[name] = body["inferenceConfig"][key]
    if "stopSequences" in body.get("inferenceConfig", {}):
        asked["stop"] = body["inferenceConfig"]["stopSequences"]
    if "requestMetadata" in body:
        asked["metadata"] = body["requestMetadata"]
    if "outputConfig" in body:
        schema = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
        asked["response_format"] = {"type": "json_schema", "json_schema": schema | {"schema": _json(schema["schema"])}}
    return asked | _tools(body.get("toolConfig"))


def _json(text: str) -> Any:
    return msgspec.json.decode(text)


def _messages(role: str, blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if role == "assistant":
        return [_assistant(blocks)]
    told, rest = [], []
    for block in blocks:
        if "toolResult" in block:
            result = block["toolResult"]
            content = _marked([_part(inner) for inner in result["content"]])
            told.append({"role": "tool", "tool_call_id": result["toolUseId"], "content": content})
        elif "cachePoint" in block and not rest:
            told[-1]["cache_control"] = _cache(block)
        else:
            rest.append(block)
    return told + ([{"role": role, "content": _marked([_part(block) for block in rest])}] if rest else [])


def _assistant(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": []}
    for block in blocks:
        if "toolUse" in block:
            use = block["toolUse"]
            if use.get("type") == "server_tool_use":
                raise OutOfScope("a tool that the host runs itself")
            function = {"name": use["name"], "arguments": msgspec.json.encode(use["input"]).decode()}
            calls = message.setdefault("tool_calls", [])
            calls.append({"id": use["toolUseId"], "type": "function", "function": function})
        elif "reasoningContent" in block:
            message.setdefault("reasoning_details", []).append(_thought(block["reasoningContent"]))
        elif "toolResult" in block:
            raise OutOfScope("a tool that the host runs itself")
        else:
            message["content"].append(_part(block))
    message["content"] = _marked(message["content"])
    return message


def _thought(thought: dict[str, Any]) -> dict[str, Any]:
    if "redactedContent" in thought:
        data = base64.b64decode(thought["redactedContent"]).decode()
        return {"type": "reasoning.encrypted", "data": data, "format": "anthropic-claude-v1"}
    text = thought["reasoningText"]
    return {
        "type": "reasoning.text",
        "text": text["text"],
        "signature": text["signature"],
        "format": "anthropic-claude-v1",
    }


def _part(block: dict[str, Any]) -> dict[str, Any]:
    if "text" in block:
        return {"type": "text", "text": block["text"]}
    if "cachePoint" in block:
        return block
    if "image" in block:
        image = block["image"]
        url = _url(image["source"], f"image/{image['format']}")
        return {"type": "image_url", "image_url": {"url": url}}
    if "document" in block:
        document = block["document"]
        if "s3Location" in document["source"]:
            raise OutOfScope("a document in S3")
        data = _url(document["source"], _TYPES.get(document["format"], f"application/{document['format']}"))
        return {"type": "file", "file": {"file_data": data}}
    raise OutOfScope(f"a part of kind {next(iter(block))}")


def _url(source: dict[str, Any], type: str) -> str:
    return source["s3Location"]["uri"] if "s3Location" in source else f"data:{type};base64,{source['bytes']}"


def _cache(block: dict[str, Any]) -> dict[str, Any]:
    ttl = block["cachePoint"].get("ttl")
    return {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})


def _marked(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Cache points as marks on the parts before them."""
    marked: list[dict[str, Any]] = []
    for part in parts:
        if "cachePoint" in part:
            marked[-1] = marked[-1] | {"cache_control": _cache(part)}
        else:
            marked.append(part)
    return marked


def _tools(config: dict[str, Any] | None) -> dict[str, Any]:
    if config is None:
        return {}
    tools: list[dict[str, Any]] = []
    for tool in config["tools"]:
        if "systemTool" in tool:
            raise OutOfScope("a tool that the host runs itself")
        if "cachePoint" in tool:
            tools[-1]["cache_control"] = _cache(tool)
            continue
        spec = tool["toolSpec"]
        function = {"name": spec["name"], "parameters": spec["inputSchema"]["json"]}
        function |= {key: spec[key] for key in ("description", "strict") if key in spec}
        tools.append({"type": "function", "function": function})
    choice = config.get("toolChoice", {})
    if "tool" in choice:
        return {"tools": tools, "tool_choice": {"type": "function", "function": choice["tool"]}}
    return {"tools": tools, "tool_choice": "required" if "any" in choice else "auto"}


def plain(body: Any) -> Any:
    """A Converse body without what means the same as nothing: empty fields, defaults said, names of documents."""
    if isinstance(body, list):
        return [plain(item) for item in body]
    if not isinstance(body, dict):
        return body
    said = {key: plain(value) for key, value in body.items() if (key, value) not in _NOTHING}
    if "format" in said and "source" in said:
        said.pop("name", None)
    if "textFormat" in said:
        schema = said["textFormat"]["structure"]["jsonSchema"]
        schema["schema"] = _json(schema["schema"])
    return said


_NOTHING = [
    ("system", []),
    ("inferenceConfig", {}),
    ("toolChoice", {"auto": {}}),
    ("status", "success"),
    ("additionalModelRequestFields", {}),
]
