"""Google's recorded traffic, as far as it is generateContent's, and its requests in OpenAI's words.

The recordings are kept beside the checkout; where they are not, their tests are skipped.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from tests.emulators.google_request import camel

ROOT = Path(__file__).parents[3] / "shared" / "recordings"
VERBS = ("generateContent", "streamGenerateContent")


class Exchange(msgspec.Struct):
    """One request and its reply. ``request`` None: only the reply was kept. ``stream``: the reply is."""

    name: str
    model: str
    verb: str
    request: dict[str, Any] | None
    status: int
    reply: bytes
    stream: bool


class OutOfScope(Exception):
    """A request that OpenAI's chat has no words for; the message says what of it."""


def exchanges(provider: str) -> Iterator[Exchange]:
    for path in sorted((ROOT / provider).iterdir()):
        if path.suffix == ".yaml":
            yield from _cassette(path)
        else:
            yield _reply(path)


def _cassette(path: Path) -> Iterator[Exchange]:
    for number, one in enumerate(yaml.load(path.read_text(), yaml.CSafeLoader)["interactions"]):
        request, response = one["request"], one["response"]
        place, _, verb = request["uri"].partition("?")[0].rpartition(":")
        if "/models/" not in place:  # of files and stores
            continue
        body = request.get("parsed_body") or request.get("body")
        asked = msgspec.json.decode(body) if isinstance(body, str) else body
        kept = response.get("parsed_body")
        reply = msgspec.json.encode(kept) if kept is not None else response["body"]["string"]
        data = reply.encode() if isinstance(reply, str) else reply
        name = f"{path.stem[:60]}[{number}]"
        model = place.rpartition("/")[2]
        yield Exchange(name, model, verb, asked, response["status"]["code"], data, verb.startswith("stream"))


def _reply(path: Path) -> Exchange:
    data = path.read_bytes()
    if path.suffix == ".txt":  # one event a line, without the framing
        data = b"".join(b"data: " + line + b"\r\n\r\n" for line in data.splitlines() if line)
    verb = "generateContent" if b'"candidates"' in data else "interactions"
    status = 429 if b'"RESOURCE_EXHAUSTED"' in data else 200
    return Exchange(path.stem, "gemini-2.5-flash", verb, None, status, data, path.suffix == ".txt")


def tidy(body: dict[str, Any]) -> dict[str, Any]:
    """A request body as one would compare it: names in one spelling, and nothing that is as if it were not there."""
    body = camel(body)
    body.get("systemInstruction", {}).pop("role", None)
    config = body.get("generationConfig", {})
    if config.get("responseModalities") == ["TEXT"]:
        del config["responseModalities"]
    if not config:
        body.pop("generationConfig", None)
    for content in body["contents"]:
        content.setdefault("role", "user")
    for tool in body.get("tools", []):
        for one in tool.get("functionDeclarations", []):
            schema = one.pop("parameters", None) or one.pop("parametersJsonSchema", None)
            one["parametersJsonSchema"] = _lower(schema or {"type": "object", "properties": {}})
    if (schema := config.pop("responseSchema", None)) is not None:
        config["responseJsonSchema"] = _lower(schema)
    return body


def _lower(schema: Any) -> Any:
    """OpenAPI's TYPE is JSON schema's type."""
    if isinstance(schema, list):
        return [_lower(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: value.lower() if key == "type" and isinstance(value, str) else _lower(value)
        for key, value in schema.items()
    }


def as_chat(body: dict[str, Any]) -> dict[str, Any]:
    """A tidy request in OpenAI's words.

    Raises:
        OutOfScope: it asks for something they do not have.
    """
    known = {"contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "labels"}
    if unknown := body.keys() - known:
        raise OutOfScope(f"Google's own {', '.join(sorted(unknown))}")
    system = [
        {"role": "system", "content": part["text"]} for part in body.get("systemInstruction", {}).get("parts", [])
    ]
    messages = [message for content in body["contents"] for message in _messages(content)]
    chat: dict[str, Any] = {"model": "m", "messages": [*system, *messages]}
    for tool in body.get("tools", []):
        if set(tool) != {"functionDeclarations"}:
            raise OutOfScope(f"Google's own tool {', '.join(sorted(tool))}")
        chat["tools"] = [_tool(one) for one in tool["functionDeclarations"]]
    mode = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if mode:
        chat["tool_choice"] = {"AUTO": "auto", "ANY": "required", "NONE": "none"}[mode["mode"]]
    return chat | _settings(body.get("generationConfig", {}))


def _settings(config: dict[str, Any]) -> dict[str, Any]:
    names = {"temperature": "temperature", "topP": "top_p", "maxOutputTokens": "max_tokens", "seed": "seed",
             "logprobs": "top_logprobs", "responseLogprobs": "logprobs", "stopSequences": "stop"}  # fmt: skip
    chat: dict[str, Any] = {}
    for name, value in config.items():
        if name in names:
            chat[names[name]] = value
        elif name == "responseMimeType" and value == "application/json":
            chat.setdefault("response_format", {"type": "json_object"})
        elif name == "responseJsonSchema":
            chat["response_format"] = {"type": "json_schema", "json_schema": {"name": "a", "schema": value}}
        elif name == "thinkingConfig":
            chat["extra_body"] = {"google": {"thinking_config": value}}
        else:
            raise OutOfScope(f"Google's own {name}")
    return chat


def _tool(one: dict[str, Any]) -> dict[str, Any]:
    function = {"name": one["name"], "description": one.get("description", "")}
    return {"type": "function", "function": {**function, "parameters": one["parametersJsonSchema"]}}


def _messages(content: dict[str, Any]) -> list[dict[str, Any]]:
    if content["role"] == "model":
        return [_assistant(content["parts"])]
    results = [_result(part["functionResponse"]) for part in content["parts"] if "functionResponse" in part]
    rest = [_part(part) for part in content["parts"] if "functionResponse" not in part]
    return [*results, *([{"role": "user", "content": rest}] if rest else [])]


def _part(part: dict[str, Any]) -> dict[str, Any]:
    if set(part) == {"text"}:
        return {"type": "text", "text": part["text"]}
    blob = part.get("inlineData") or part.get("fileData")
    if blob is None:
        raise OutOfScope(f"a part with {', '.join(sorted(part))}")
    data = blob.get("fileUri") or f"data:{blob['mimeType']};base64,{blob['data']}"
    if blob["mimeType"].startswith("image/"):
        return {"type": "image_url", "image_url": {"url": data}}
    return {"type": "file", "file": {"file_id" if data.startswith("gs://") else "file_data": data}}


def _result(response: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "text", "text": msgspec.json.encode(response["response"]).decode()}
    media = [_part(part) for part in response.get("parts", [])]
    return {"role": "tool", "tool_call_id": response["id"], "name": response["name"], "content": [text, *media]}


def _assistant(parts: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": []}
    for part in parts:
        call, signature = part.get("functionCall"), part.get("thoughtSignature")
        if call is not None:
            function = {"name": call["name"], "arguments": msgspec.json.encode(call.get("args", {})).decode()}
            made: dict[str, Any] = {"id": call.get("id", ""), "type": "function", "function": function}
            if signature:
                made["extra_content"] = {"google": {"thought_signature": signature}}
            message.setdefault("tool_calls", []).append(made)
        elif "text" in part:
            if signature:
                detail = {"type": "reasoning.text", "format": "google-gemini-v1", "signature": signature}
                message.setdefault("reasoning_details", []).append(detail)
            message["content"].append({"type": "text", "text": part["text"]})
        else:
            raise OutOfScope(f"a model's part with {', '.join(sorted(part))}")
    return message
