"""Tool calls: made when the request forces one, or when the last user message says "tool"."""

import re
from hashlib import blake2b

import msgspec

from backends.engine.errors import Refusal
from backends.engine.request_plan import Call, Script
from backends.engine.requests import ChatRequest, JsonObject
from backends.engine.sample import ECHO, sample


def script(asked: ChatRequest, echo: str) -> Script | None:
    function = _called(asked, echo)
    if function is not None:
        return _call(function, echo)
    wanted = asked.response_format or {}
    match wanted.get("type"):
        case "json_object":
            return Script(_json({"echo": echo[:ECHO]}))
        case "json_schema":
            return Script(_json(sample((wanted.get("json_schema") or {}).get("schema") or {"type": "object"}, echo)))
        case _:
            return None


def _called(asked: ChatRequest, echo: str) -> JsonObject | None:
    functions: list[JsonObject] = [
        tool["function"] for tool in asked.tools or () if isinstance(tool.get("function"), dict)
    ]
    match asked.tool_choice:
        case "none":
            return None
        case {"function": {"name": name}}:
            for function in functions:
                if function.get("name") == name:
                    return function
            raise Refusal(400, f"tool_choice names the tool `{name}`, which is not in tools", "tool_choice")
        case "required" if not functions:
            raise Refusal(400, "tool_choice is `required` but there are no tools", "tool_choice")
        case "required":
            return functions[0]
        case _:
            return functions[0] if functions and re.search(r"\btool\b", echo, re.IGNORECASE) else None


def _call(function: JsonObject, echo: str) -> Script:
    name = str(function.get("name"))
    schema = function.get("parameters") or {}
    arguments = sample({"type": "object", **schema}, echo) or _free(schema, echo)
    digest = blake2b(f"{name}\n{echo}".encode(), digest_size=12).hexdigest()
    return Script(_json(arguments), Call(f"chatcmpl-tool-{digest}", name))


def _free(schema: JsonObject, echo: str) -> JsonObject:
    return {} if schema.get("additionalProperties") is False else {"prompt": echo[:ECHO]}


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
