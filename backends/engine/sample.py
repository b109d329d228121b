"""A small value that satisfies a JSON schema."""

import math
from typing import Any

from backends.engine.requests import JsonObject

DEPTH = 8  # a recursive schema ends here
ECHO = 64  # characters


def sample(schema: JsonObject, echo: str) -> Any:
    return _sample(schema, schema, echo[:ECHO], 0)


def _sample(schema: Any, root: JsonObject, echo: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > DEPTH:
        return echo
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "$ref" in schema:
        return _sample(_resolve(schema["$ref"], root), root, echo, depth + 1)
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return _sample(schema[union][0], root, echo, depth + 1)
    return _typed(schema, root, echo, depth)


def _typed(schema: JsonObject, root: JsonObject, echo: str, depth: int) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) else kind:
        case "object":
            properties = schema.get("properties", {})
            wanted = properties if depth < DEPTH // 2 else schema.get("required", ())
            return {name: _sample(properties.get(name), root, echo, depth + 1) for name in wanted}
        case "array":
            item = _sample(schema.get("items", {}), root, echo, depth + 1)
            return [item] * max(schema.get("minItems", 1), 0)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return echo.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _number(schema: JsonObject) -> int | float:
    low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
    value: int | float = min(max(low, 1), schema.get("maximum", math.inf))
    return value


def _resolve(reference: str, root: JsonObject) -> Any:
    found: Any = root
    for name in reference.removeprefix("#/").split("/"):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found
