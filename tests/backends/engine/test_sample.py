"""Small values that satisfy a schema."""

from typing import Any

import pytest

from backends.engine.sample import sample


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "echo"),
        ({"type": "string", "maxLength": 2}, "ec"),
        ({"type": "string", "minLength": 6}, "echo.."),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5}, 6),
        ({"type": "number", "maximum": 0.5}, 0.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["integer", "null"]}, 1),
        ({"enum": ["red", "blue"]}, "red"),
        ({"const": 3}, 3),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}}, {"a": "echo", "b": 1}),
        ({"$ref": "#/$defs/color", "$defs": {"color": {"enum": ["red"]}}}, "red"),
        ({}, "echo"),
    ],
)
def test_a_sample_satisfies_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert sample(schema, "echo") == value


def test_a_recursive_schema_comes_to_an_end() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    assert "next" in sample({"$ref": "#/$defs/node", "$defs": {"node": node}}, "x")
