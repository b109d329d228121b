"""Writes a conversation as a generateContent request. Fields without a counterpart are reported as dropped.

Facts: the API reference of generateContent (Content, Part, Tool, GenerationConfig), the same for the Gemini API and
Vertex AI but for the few fields that ``vertex`` tells apart.
"""

import re
from typing import Any

import msgspec

from backends.contract.conversation import Conversation, Format, Message, Raw, Tool, ToolChoice, ToolResult
from backends.contract.dialect import Inexpressible, Written
from backends.contract.headers import NO_HEADERS, Headers, headers
from backends.dialects.google import parts
from backends.dialects.google.thinking import thinking
from backends.dialects.merge_turns import turns

#: The door's own fields that Google knows too, as clients spell them, and how it spells them.
EXTRA = {
    "safety_settings": "safetySettings",
    "safetySettings": "safetySettings",
    "cached_content": "cachedContent",
    "cachedContent": "cachedContent",
    "labels": "labels",
}
_UNSPEAKABLE = ("logit_bias", "parallel_tool_calls")
_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY", "tool": "ANY"}
_SETTINGS = {  # Conversation's field -> generationConfig's
    "max_tokens": "maxOutputTokens",
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "seed": "seed",
    "n": "candidateCount",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "logprobs": "responseLogprobs",
    "top_logprobs": "logprobs",
}
_LABEL = re.compile(r"[a-z0-9_-]{0,63}")
_LABEL_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_TIERS = ("flex", "priority")


def write(conversation: Conversation, model: str, path: bytes, *, vertex: bool) -> Written:
    """The request; ``path``: the model's own, to which the method is appended.

    Raises:
        Inexpressible: content Google cannot be told.
    """
    dropped = conversation.given(*_UNSPEAKABLE)
    body: dict[str, Any] = _contents(conversation, model)
    if config := _config(conversation, model):
        body["generationConfig"] = config
    if conversation.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in conversation.tools]}]
        if mode := _mode(conversation):
            body["toolConfig"] = {"functionCallingConfig": mode}
    tier = _tier(conversation, body, dropped, vertex=vertex)
    _labels(conversation, body, dropped)
    _extra(conversation.extra, body, dropped)
    method = b":streamGenerateContent?alt=sse" if conversation.stream else b":generateContent"
    return Written(path + method, msgspec.json.encode(body), tuple(dropped), tier)


def _contents(conversation: Conversation, model: str) -> dict[str, Any]:
    system, messages = turns(conversation)
    instruction = [{"text": text.text} for text in system]
    if not messages and instruction:  # Google answers nobody: what there is to say is said by the user
        return {"contents": [{"role": "user", "parts": instruction}]}
    if not messages:
        raise Inexpressible("'messages' holds nothing to answer", "messages")
    contents = [content for message in messages for content in _turn(message, model)]
    return {"contents": contents, **({"systemInstruction": {"parts": instruction}} if instruction else {})}


def _turn(message: Message, model: str) -> list[dict[str, Any]]:
    """One content, or two: results answer the calls before them in a content of their own."""
    if message.role == "assistant":
        said = parts.of_model(message.parts, signs=signs(model))
        return [{"role": "model", "parts": said}] if said else []
    results = [parts.result(part) for part in message.parts if isinstance(part, ToolResult)]
    rest = [parts.of_user(part) for part in message.parts if not isinstance(part, ToolResult)]
    return [{"role": "user", "parts": each} for each in (results, rest) if each]


def signs(model: str) -> bool:
    """Whether the model refuses a call of its own without its signature: Gemini 3 and later do."""
    return model.startswith("gemini-") and not model.startswith(("gemini-1", "gemini-2"))


def _config(conversation: Conversation, model: str) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for field, name in _SETTINGS.items():
        value = getattr(conversation, field)
        if value is not None and value is not False:
            config[name] = value
    if conversation.stop:
        config["stopSequences"] = conversation.stop
    if not config.get("responseLogprobs"):
        config.pop("logprobs", None)
    if conversation.response_format is not None:
        config |= _format(conversation.response_format)
    if conversation.reasoning is not None and (thoughts := thinking(conversation.reasoning, model)):
        config["thinkingConfig"] = thoughts
    return config


def _format(format: Format) -> dict[str, Any]:
    if format.kind == "text":
        return {}
    json = {"responseMimeType": "application/json"}
    return json | {"responseJsonSchema": format.schema} if format.kind == "json_schema" else json


def _declaration(tool: Tool) -> dict[str, Any]:
    """JSON schema goes as it came: ``parametersJsonSchema`` takes all of it, ``parameters`` only a part."""
    return {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.schema}


def _mode(conversation: Conversation) -> dict[str, Any]:
    """How tools are called. VALIDATED keeps calls to their schemas, which is what ``strict`` asks for."""
    choice = conversation.tool_choice or ToolChoice("")
    mode: dict[str, Any] = {"mode": _MODES[choice.mode]} if choice.mode else {}
    if choice.mode == "tool":
        mode["allowedFunctionNames"] = [choice.name]
    if choice.mode in ("", "auto") and any(tool.strict for tool in conversation.tools):
        mode["mode"] = "VALIDATED"
    return mode


def _tier(conversation: Conversation, body: dict[str, Any], dropped: list[str], *, vertex: bool) -> Headers:
    """The service tier: a field of the Gemini API, header lines on Vertex."""
    tier = conversation.service_tier
    if tier not in _TIERS:
        dropped += conversation.given("service_tier") if tier != "standard" else ()
        return NO_HEADERS
    if vertex:
        return headers(x_vertex_ai_llm_request_type="shared", x_vertex_ai_llm_shared_request_type=tier)
    body["serviceTier"] = tier
    return NO_HEADERS


def _labels(conversation: Conversation, body: dict[str, Any], dropped: list[str]) -> None:
    """Who asks, and what for, as labels; Google takes only small letters, digits, _ and - in them."""
    labels: dict[str, str] = {}
    if conversation.metadata:
        if all(_LABEL_NAME.fullmatch(name) and _LABEL.fullmatch(text) for name, text in conversation.metadata.items()):
            labels |= conversation.metadata
        else:
            dropped.append("metadata")
    if conversation.user:
        if _LABEL.fullmatch(conversation.user):
            labels["user"] = conversation.user
        else:
            dropped.append("user")
    if labels:
        body["labels"] = labels


class _Extra(msgspec.Struct):
    """``extra_body.google``, as clients of Google's own OpenAI endpoint send it."""

    cached_content: str | None = None
    thinking_config: Raw = Raw(b"")
    safety_settings: Raw = Raw(b"")


class _ExtraBody(msgspec.Struct):
    google: _Extra | None = None


def _extra(extra: dict[str, Raw], body: dict[str, Any], dropped: list[str]) -> None:
    for name, value in extra.items():
        if name in EXTRA:
            body[EXTRA[name]] = value
        elif name == "extra_body":
            _extra_body(value, body)
        else:
            dropped.append(name)


def _extra_body(value: Raw, body: dict[str, Any]) -> None:
    try:
        google = msgspec.json.decode(value, type=_ExtraBody).google or _Extra()
    except msgspec.DecodeError as error:
        raise Inexpressible(f"invalid 'extra_body': {error}", "extra_body") from None
    if google.cached_content is not None:
        body["cachedContent"] = google.cached_content
    if bytes(google.safety_settings):
        body["safetySettings"] = google.safety_settings
    if bytes(google.thinking_config):
        body.setdefault("generationConfig", {})["thinkingConfig"] = google.thinking_config
