"""What Google refuses of a request. Rule: a field it does not know is an error that names its place."""

import re
from typing import Any

from tests.emulators.google_faults import error

BODY = {
    "contents", "systemInstruction", "generationConfig", "tools", "toolConfig", "safetySettings", "cachedContent",
    "labels", "serviceTier",
}  # fmt: skip
CONFIG = {
    "temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "responseLogprobs", "logprobs",
    "presencePenalty", "frequencyPenalty", "seed", "responseMimeType", "responseSchema", "responseJsonSchema",
    "thinkingConfig", "responseModalities", "mediaResolution", "speechConfig",
}  # fmt: skip
SCHEMA = {
    "type", "format", "title", "description", "nullable", "default", "items", "minItems", "maxItems", "enum",
    "properties", "propertyOrdering", "required", "minProperties", "maxProperties", "minimum", "maximum", "minLength",
    "maxLength", "pattern", "example", "anyOf",
}  # fmt: skip
PART = {
    "text", "inlineData", "fileData", "functionCall", "functionResponse", "thought", "thoughtSignature",
    "videoMetadata",
}  # fmt: skip
DECLARATION = {"name", "description", "parameters", "parametersJsonSchema", "response", "behavior"}
DATA = {"text", "inlineData", "fileData", "functionCall", "functionResponse"}
MIME = ("image/", "audio/", "video/", "text/", "application/pdf", "application/json")


FREE = {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"}  # what is inside is the caller's


def camel(value: Any) -> Any:
    """Names in lowerCamelCase: Google takes snake_case as well, and its own client sends some of it."""
    if isinstance(value, list):
        return [camel(each) for each in value]
    if not isinstance(value, dict):
        return value
    names = {name: re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in value}
    return {names[name]: each if names[name] in FREE else camel(each) for name, each in value.items()}


class Refused(Exception):
    """A request that is not served: the status and body of the answer."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


def check(verb: str, model: str, body: Any, *, vertex: bool) -> None:
    """Raises Refused."""
    if verb == "predict" and vertex:
        if not body["instances"]:
            raise _bad("instances must not be empty")
    elif verb in ("generateContent", "streamGenerateContent", "countTokens"):
        _known(body, BODY | ({"generateContentRequest"} if verb == "countTokens" else set()), "")
        _known(body.get("generationConfig", {}), CONFIG, "generation_config")
        _contents(model, body.get("contents", []))
        _tools(body)
        _config(model, body)
    elif verb not in ("embedContent", "batchEmbedContents") or (vertex and verb == "batchEmbedContents"):
        raise Refused(404, error(404, "NOT_FOUND", f"unknown method {verb}"))


def _contents(model: str, contents: list[dict[str, Any]]) -> None:
    if not contents:
        raise _bad("GenerateContentRequest.contents: contents is not specified")
    calls = 0
    for at, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model"):
            raise _bad("Please use a valid role: user, model.")
        if not content.get("parts"):
            raise _bad(f"GenerateContentRequest.contents[{at}].parts: contents.parts must not be empty.")
        for part in content["parts"]:
            _part(part, f"contents[{at}].parts")
        answers = sum("functionResponse" in part for part in content["parts"])
        if answers != calls and (calls or answers):
            raise _bad(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        called = [part for part in content["parts"] if "functionCall" in part]
        calls = len(called) if at + 1 < len(contents) else 0
        if called and model.startswith("gemini-3") and "thoughtSignature" not in called[0]:
            raise _bad(f"Function call is missing a thought_signature in functionCall parts, position {at}.")
    if contents[-1].get("role") == "model":
        raise _bad("Please ensure that the last content is of the user.")


def _part(part: dict[str, Any], where: str) -> None:
    _known(part, PART, where)
    if len(part.keys() & DATA) != 1:
        raise _bad(f"{where}: required oneof field 'data' must have one initialized field")
    blob = part.get("inlineData") or part.get("fileData")
    if blob and not blob.get("mimeType", "").startswith(MIME):
        raise _bad(f"Unsupported MIME type: {blob.get('mimeType')}")
    if "functionCall" in part and not isinstance(part["functionCall"].get("args", {}), dict):
        raise _bad(f"{where}.function_call.args: not an object")
    if "functionResponse" in part and not isinstance(part["functionResponse"].get("response"), dict):
        raise _bad(f"{where}.function_response.response: not an object")


def _tools(body: dict[str, Any]) -> None:
    names = set()
    for at, tool in enumerate(body.get("tools", [])):
        for index, one in enumerate(tool.get("functionDeclarations", [])):
            where = f"tools[{at}].function_declarations[{index}]"
            _known(one, DECLARATION, where)
            names.add(one["name"])
            if "parameters" in one:
                _schema(one["parameters"], f"{where}.parameters")
    mode = body.get("toolConfig", {}).get("functionCallingConfig", {})
    allowed = set(mode.get("allowedFunctionNames", []))
    if allowed - names:
        raise _bad(f"allowed_function_names {allowed - names} are not declared")
    if allowed and mode.get("mode") not in ("ANY", "VALIDATED"):
        raise _bad("allowed_function_names should only be set when mode is ANY")


def _config(model: str, body: dict[str, Any]) -> None:
    config = body.get("generationConfig", {})
    thinking = config.get("thinkingConfig", {})
    if "thinkingLevel" in thinking and "thinkingBudget" in thinking:
        raise _bad("You can only set one of thinking budget and thinking level.")
    if "thinkingLevel" in thinking and model.startswith(("gemini-2", "gemini-1")):
        raise _bad("Thinking level is not supported for this model.")
    if "responseSchema" in config:
        _schema(config["responseSchema"], "generation_config.response_schema")
    if len(config.get("stopSequences", [])) > 5:
        raise _bad("The number of stop sequences exceeds the limit of 5.")
    if not 0 <= config.get("temperature", 1) <= 2:
        raise _bad("temperature must be in the range [0.0, 2.0].")
    if not 1 <= config.get("candidateCount", 1) <= 8:
        raise _bad("candidate_count must be in the range [1, 8].")
    if "logprobs" in config and not config.get("responseLogprobs"):
        raise _bad("logprobs needs response_logprobs")


def _schema(schema: dict[str, Any], where: str) -> None:
    _known(schema, SCHEMA, where)
    for name, inner in schema.get("properties", {}).items():
        _schema(inner, f"{where}.properties[{name}]")
    for inner in [*schema.get("anyOf", []), *([schema["items"]] if "items" in schema else [])]:
        _schema(inner, where)


def _known(value: dict[str, Any], names: set[str], where: str) -> None:
    for name in value:
        if name not in names:
            place = f" at '{where}'" if where else ""
            raise _bad(f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.')


def _bad(message: str) -> Refused:
    return Refused(400, error(400, "INVALID_ARGUMENT", message))
