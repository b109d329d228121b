"""The public port as an OpenAPI document. Rule: made from the table of families."""

from typing import Any

from backends.contract.families import FAMILIES, Family

Json = dict[str, Any]
TEXT = {"type": "string", "maxLength": 20}
MESSAGE = {
    "type": "object",
    "properties": {"role": {"enum": ["user", "system", "assistant", "tool"]}, "content": TEXT},
    "required": ["role", "content"],
}
FIELDS: Json = {
    "model": {"enum": ["m", "other", "gone"]},
    "models": {"type": "array", "items": {"enum": ["m", "mini-m"]}, "maxItems": 3},
    "provider": {
        "type": "object",
        "properties": {
            "order": {"type": "array", "items": {"enum": ["d"]}},
            "sort": {"enum": ["price", "throughput", "latency"]},
            "max_price": {"type": "object", "properties": {"prompt": {"type": "number"}}},
            "allow_fallbacks": {"type": "boolean"},
        },
        "additionalProperties": False,
    },
    "priority": {"type": "integer"},
    "stream": {"type": "boolean"},
    "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}},
    "messages": {"type": "array", "items": MESSAGE, "maxItems": 3},
    "input": TEXT,
    "prompt": TEXT,
    "max_tokens": {"type": "integer", "minimum": 1},
    "temperature": {"type": "number", "minimum": 0, "maximum": 2},
}
HEADERS = [
    {"name": name, "in": "header", "schema": {"type": "string", "maxLength": 40}}
    for name in ("x-request-id", "x-session-id", "x-cloverleaf-explain")
]


def operation(family: Family) -> Json:
    body: Json = {"type": "object", "properties": FIELDS, "required": ["model"]}
    kind = "application/json"
    if family.form:
        body["properties"] = {"model": FIELDS["model"], "file": {"type": "string", "format": "binary"}}
        kind = "multipart/form-data"
    return {
        "parameters": HEADERS,
        "requestBody": {"required": True, "content": {kind: {"schema": body}}},
        "responses": {"default": {"description": "an answer, or an error with a word to people"}},
    }


def document() -> Json:
    paths: Json = {path: {"post": operation(family)} for family in FAMILIES for path in family.paths}
    name = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    listing = {"responses": {"default": {"description": "models"}}}
    paths["/v1/models"] = {"get": listing}
    paths["/v1/models/{id}"] = {"get": {"parameters": [name], **listing}}
    return {"openapi": "3.0.3", "info": {"title": "cloverleaf", "version": "0"}, "paths": paths}
