"""Converse requests: every body fits the service's own model, and says what the client asked."""

import base64
from typing import Any

import msgspec
import pytest

from backends.contract.dialect import Inexpressible
from backends.dialects.bedrock.request import write
from backends.dialects.openai.chat.read_request import read_chat
from tests.emulators.converse_rules import Rules
from tests.facts import facts

NOVA = "us.amazon.nova-lite-v1:0"
CLAUDE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS = "global.anthropic.claude-opus-4-7-v1:0"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
HI = [{"role": "user", "content": "hi"}]
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "d", "parameters": {"type": "object"}, "strict": True},
}


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules()


@pytest.fixture
def written(rules: Rules) -> Any:
    def make(model: str = NOVA, dropped: tuple[str, ...] = (), **fields: object) -> dict[str, Any]:
        asked = {"model": "m", "messages": HI, **fields}
        out = write(read_chat(facts(msgspec.json.encode(asked))), model)
        body: dict[str, Any] = msgspec.json.decode(out.body)
        rules.check("Converse", model, body)
        assert out.dropped == dropped
        return body

    return make


def call(id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def test_the_least_request(written: Any) -> None:
    assert written() == {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}


@pytest.mark.parametrize(
    ("model", "target"),
    [
        (NOVA, b"/model/us.amazon.nova-lite-v1%3A0/converse"),
        (
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
            b"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aapplication-inference-profile%2Fx/converse",
        ),
    ],
)
def test_a_model_s_id_is_one_segment_of_the_path(model: str, target: bytes) -> None:
    for stream, verb in ((False, b""), (True, b"-stream")):
        asked = msgspec.json.encode({"model": "m", "messages": HI, "stream": stream})
        assert write(read_chat(facts(asked)), model).target == target + verb


def test_system_and_developer_messages_stand_apart(written: Any) -> None:
    body = written(
        messages=[
            {"role": "system", "content": "be brief"},
            {"role": "developer", "content": [{"type": "text", "text": "and kind", "cache_control": {"type": "e"}}]},
            *HI,
        ]
    )
    assert body["system"] == [{"text": "be brief"}, {"text": "and kind"}, {"cachePoint": {"type": "default"}}]


def test_neighbours_are_one_turn_and_blank_text_is_left_out(written: Any) -> None:
    body = written(messages=[*HI, {"role": "user", "content": " \n"}, {"role": "user", "content": "there"}])
    assert body["messages"] == [{"role": "user", "content": [{"text": "hi"}, {"text": "there"}]}]


def test_images_and_documents(written: Any) -> None:
    pdf = {"filename": "a_b c.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    content = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "image_url", "image_url": {"url": "s3://bucket/cat.jpg"}},
        {"type": "file", "file": pdf},
        {"type": "file", "file": pdf},
    ]
    blocks = written(messages=[{"role": "user", "content": content}])["messages"][0]["content"]
    assert blocks[1] == {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}}
    assert blocks[2] == {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/cat.jpg"}}}}
    assert blocks[3] == {"document": {"format": "pdf", "name": "a b c 1", "source": {"bytes": "JVBERg=="}}}
    assert blocks[4]["document"]["name"] == "a b c 2"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y.png"}}, "data: or s3:// URLs only"),
        ({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}}, "type 'image/tiff'"),
        ({"type": "file", "file": {"file_id": "f-1"}}, "data: or s3:// URLs only"),
        ({"type": "file", "file": {"file_data": "data:application/zip;base64,AA=="}}, "type 'application/zip'"),
    ],
)
def test_what_it_cannot_be_shown_is_refused(part: dict[str, Any], said: str) -> None:
    asked = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": [part]}]})
    with pytest.raises(Inexpressible, match=said) as caught:
        write(read_chat(facts(asked)), NOVA)
    assert caught.value.param == "messages"


def test_a_conversation_with_parallel_tool_calls(written: Any) -> None:
    body = written(
        tools=[WEATHER],
        messages=[
            *HI,
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [call("call|1", "weather", '{"city": "Rome"}'), call("c2", "weather", "")],
            },
            {"role": "tool", "tool_call_id": "call|1", "content": "sunny"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "rain"}]},
            {"role": "user", "content": "so?"},
        ],
    )
    uses = [block["toolUse"] for block in body["messages"][1]["content"]]
    assert uses == [
        {"toolUseId": "call_1", "name": "weather", "input": {"city": "Rome"}},
        {"toolUseId": "c2", "name": "weather", "input": {}},
    ]
    assert body["messages"][2]["content"] == [
        {"toolResult": {"toolUseId": "call_1", "content": [{"text": "sunny"}]}},
        {"toolResult": {"toolUseId": "c2", "content": [{"text": "rain"}]}},
        {"text": "so?"},
    ]
    spec = {"name": "weather", "description": "d", "inputSchema": {"json": {"type": "object"}}, "strict": True}
    assert body["toolConfig"] == {"tools": [{"toolSpec": spec}]}


def test_arguments_that_are_no_object_are_refused() -> None:
    messages = [*HI, {"role": "assistant", "tool_calls": [call("c", "weather", "[1]")]}]
    with pytest.raises(Inexpressible, match="not a JSON object"):
        write(read_chat(facts(msgspec.json.encode({"model": "m", "messages": messages}))), NOVA)


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        ("auto", {}),
        ("required", {"toolChoice": {"any": {}}}),
        (
            {"type": "function", "function": {"name": "weather"}},
            {"toolChoice": {"tool": {"name": "weather"}}},
        ),
    ],
)
def test_a_tool_choice(written: Any, choice: object, config: dict[str, Any]) -> None:
    body = written(tools=[WEATHER], tool_choice=choice)
    assert {"tools": body["toolConfig"]["tools"], **config} == body["toolConfig"]


def test_no_tool_may_be_called(written: Any) -> None:
    assert "toolConfig" not in written(tools=[WEATHER], tool_choice="none")
    spoken = [
        *HI,
        {"role": "assistant", "tool_calls": [call("c", "weather", "{}")]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ]
    body = written(tools=[WEATHER], tool_choice="none", messages=spoken, dropped=("tool_choice",))
    assert "toolConfig" in body  # Converse wants the tools of calls it is shown


def test_limits_stops_and_sampling(written: Any) -> None:
    body = written(max_completion_tokens=9, temperature=0.5, top_p=0.25, stop="END", service_tier="flex")
    assert body["inferenceConfig"] == {"maxTokens": 9, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]}
    assert body["serviceTier"] == {"type": "flex"}
    assert written(CLAUDE, stop=["a"])["additionalModelResponseFieldPaths"] == ["/stop_sequence"]


@pytest.mark.parametrize(
    ("model", "additional"),
    [(CLAUDE, {"top_k": 5}), (NOVA, {"inferenceConfig": {"topK": 5}})],
)
def test_top_k_in_the_family_s_words(written: Any, model: str, additional: object) -> None:
    assert written(model, top_k=5)["additionalModelRequestFields"] == additional


@pytest.mark.parametrize(
    ("model", "additional", "output"),
    [
        (NOVA, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, None),
        ("openai.gpt-oss-120b-1:0", {"reasoning_effort": "high"}, None),
        ("qwen.qwen3-32b-v1:0", {"reasoning_config": "high"}, None),
        (CLAUDE, {"thinking": {"type": "enabled", "budget_tokens": 16384}}, None),
        (OPUS, {"thinking": {"type": "adaptive"}}, {"effort": "high"}),
    ],
)
def test_effort_in_the_family_s_words(written: Any, model: str, additional: object, output: object) -> None:
    body = written(model, reasoning_effort="high")
    assert body["additionalModelRequestFields"] == additional
    assert body.get("outputConfig") == output
    if model == CLAUDE:
        assert body["inferenceConfig"]["maxTokens"] > 16384


def test_what_has_no_place_is_named(written: Any) -> None:
    written(
        "meta.llama3-1-8b-instruct-v1:0",
        seed=1,
        n=2,
        logprobs=True,
        frequency_penalty=0.5,
        top_k=3,
        reasoning_effort="low",
        parallel_tool_calls=False,
        tools=[WEATHER],
        response_format={"type": "json_object"},
        service_tier="scale",
        verbosity="low",
        metadata={"a": "é"},
        dropped=(
            "seed",
            "n",
            "frequency_penalty",
            "logprobs",
            "response_format",
            "service_tier",
            "metadata",
            "top_k",
            "reasoning_effort",
            "parallel_tool_calls",
            "verbosity",
        ),
    )
    assert written(n=1, logprobs=False, frequency_penalty=0, service_tier="auto", parallel_tool_calls=True)


def test_one_call_at_a_time_for_claude(written: Any) -> None:
    body = written(CLAUDE, tools=[WEATHER], parallel_tool_calls=False)
    assert body["additionalModelRequestFields"]["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_a_json_schema(written: Any) -> None:
    format = {"type": "json_schema", "json_schema": {"name": "S", "description": "d", "schema": {"type": "object"}}}
    output = written(response_format=format)["outputConfig"]["textFormat"]
    schema = output["structure"]["jsonSchema"]
    assert output["type"] == "json_schema" and schema["name"] == "S" and schema["description"] == "d"
    assert msgspec.json.decode(schema["schema"]) == {"type": "object"}


def test_thoughts_go_back_to_who_signed_them(written: Any) -> None:
    def spoken(format: str) -> list[dict[str, Any]]:
        details = [
            {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "format": format},
            {"type": "reasoning.encrypted", "data": "EtkECk", "format": format},
        ]
        return [*HI, {"role": "assistant", "content": "yes", "reasoning_details": details}, *HI]

    blocks = written(CLAUDE, messages=spoken("anthropic-claude-v1"))["messages"][1]["content"]
    assert blocks == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"EtkECk").decode()}},
        {"text": "yes"},
    ]
    for model, format in ((NOVA, "anthropic-claude-v1"), (CLAUDE, "google-gemini-v1")):
        assert written(model, messages=spoken(format))["messages"][1]["content"] == [{"text": "yes"}]


def test_cache_markers_follow_what_they_mark(written: Any) -> None:
    hour = {"type": "ephemeral", "ttl": "1h"}
    body = written(
        CLAUDE,
        tools=[{**WEATHER, "cache_control": {"type": "ephemeral"}}],
        messages=[{"role": "user", "content": [{"type": "text", "text": "long", "cache_control": hour}]}],
    )
    assert body["toolConfig"]["tools"][1] == {"cachePoint": {"type": "default"}}
    assert body["messages"][0]["content"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}


def test_metadata_user_and_converse_s_own_fields(written: Any) -> None:
    guard = {"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"}
    body = written(
        user="u-1",
        metadata={"team": "a"},
        guardrailConfig=guard,
        performanceConfig={"latency": "optimized"},
        additionalModelRequestFields={"x": 1},
    )
    assert body["requestMetadata"] == {"team": "a", "user": "u-1"}
    assert body["guardrailConfig"] == guard
    assert body["additionalModelRequestFields"] == {"x": 1}


def test_nothing_to_say_is_refused() -> None:
    with pytest.raises(Inexpressible, match="no message"):
        write(read_chat(facts(b'{"model":"m","messages":[{"role":"user","content":""}]}')), NOVA)
