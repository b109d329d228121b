"""The JSON schema says what the decoder says."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from backends.providers.provider import Provider
from gateway.config.json_schema import descriptions, json_schema
from gateway.config.policy import PARTS
from gateway.config.schema import Config
from gateway.config.source import read

COMMITTED = Path(__file__).parents[3] / "config" / "schema.json"
TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}


def test_the_committed_schema_is_current():
    assert COMMITTED.read_bytes() == json_schema(), "write it with: cloverleaf check --schema > config/schema.json"


@pytest.fixture
def document() -> dict[str, Any]:
    return msgspec.json.decode(json_schema())


def is_of(name: str, value: object) -> bool:
    if name == "null":
        return value is None
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def valid(schema: Any, value: Any, defs: dict[str, Any]) -> bool:
    """As much of JSON schema as ours uses; a keyword it does not know fails the test."""
    known = {"$ref", "anyOf", "enum", "type", "pattern", "properties", "required", "additionalProperties", "items",
             "propertyNames", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "description",
             "default"}  # fmt: skip
    assert schema.keys() <= known, schema.keys() - known
    if "$ref" in schema:
        return valid(defs[schema["$ref"].removeprefix("#/$defs/")], value, defs)
    if "anyOf" in schema:
        return any(valid(each, value, defs) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(is_of(kind, value) for kind in kinds):
        return False
    if isinstance(value, str):
        return bool(re.search(schema.get("pattern", ""), value))
    if isinstance(value, dict):
        return valid_mapping(schema, value, defs)
    if isinstance(value, list):
        return all(valid(schema["items"], item, defs) for item in value)
    return value is None or isinstance(value, bool) or in_bounds(schema, value)


def in_bounds(schema: dict[str, Any], value: float) -> bool:
    return (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
        and schema.get("exclusiveMinimum", value - 1) < value < schema.get("exclusiveMaximum", value + 1)
    )  # fmt: skip


def valid_mapping(schema: dict[str, Any], value: dict[str, Any], defs: dict[str, Any]) -> bool:
    properties, rest = schema.get("properties", {}), schema["additionalProperties"]
    return (
        set(schema.get("required", [])) <= value.keys()
        and all(valid(schema.get("propertyNames", {"type": "string"}), key, defs) for key in value)
        and all(
            valid(properties[key], item, defs) if key in properties else rest is not False and valid(rest, item, defs)
            for key, item in value.items()
        )
    )


def raw(tmp_path: Path, text: str, environ: dict[str, str]) -> Any:
    (tmp_path / "c.yaml").write_text(text)
    return read(tmp_path / "c.yaml", environ).data


def test_the_sample_is_valid_before_and_after_substitution(document, sample, environ, tmp_path):
    unsubstituted = raw(tmp_path, sample, {name: f"${{{name}}}" for name in environ})
    assert unsubstituted["server"]["port"] == "${PORT}"
    assert valid({"$ref": document["$ref"]}, unsubstituted, document["$defs"])


@pytest.mark.parametrize(
    "text",
    [
        "server: {prot: 1}",
        "server: {port: 70000}",
        "server: {port: eighty}",
        "server: {drain: 30}",
        "server: {drain: 30 s}",
        "server: {max_body: 1MB}",
        "server: {tls: {cert: x}}",
        "defaults: {retry: {budget: 0.2}}",
        "defaults: {hedge: {enabled: maybe}}",
        "deployments: {a: {provider: vlm, model: m}}",
        "deployments: {a: {provider: vllm}}",
        "deployments: {'a b': {provider: vllm, model: m}}",
        "deployments: {a: {provider: vllm, model: m, endpoints: [http://x/v1]}}",
        "deployments: {a: {provider: vllm, model: m, price: {input: -1, output: 1}}}",
        "models: {m: {deployments: pool}}",
        "policies: {p: {kind: slo_cost, slo: {quantile: 1}}}",
        "policies: {p: {filters: [{kind: healthy, any: [a]}]}}",
        "policies: {p: {scorers: [{kind: cost, quantile: 0.5}]}}",
        "policies: {p: {scorers: [{kind: costly}]}}",
        "policies: {p: {pick: {kind: softmax, temperature: 0}}}",
        "policies: {p: {pick: {}}}",
        "telemetry: {log: loud}",
    ],
)
def test_what_the_decoder_refuses_the_schema_refuses(document, refuse, tmp_path, text):
    assert refuse(text)
    assert not valid({"$ref": document["$ref"]}, raw(tmp_path, text, {}), document["$defs"])


def structs(kind: inspect.Type, found: dict[type, inspect.StructType]) -> dict[type, inspect.StructType]:
    if isinstance(kind, inspect.StructType) and kind.cls is Provider:  # written by its name
        return found
    for name in ("fields", "types", "type", "item_type", "value_type"):
        child = getattr(kind, name, ())
        for each in child if isinstance(child, tuple) else (child,):
            structs(each, found)
    if isinstance(kind, inspect.StructType):
        found[kind.cls] = kind
    return found


def test_every_key_is_described_once_in_its_structs_docstring():
    found = structs(inspect.type_info(Config), {})
    for part in PARTS:
        structs(inspect.type_info(part), found)
    assert len(found) > 25
    for cls, kind in found.items():
        assert {*descriptions(cls)} == {each.name for each in kind.fields}, cls
