"""Writing Google's requests: everything chat can say, in a body that the emulated Google takes."""

import base64
from typing import Any

import msgspec
import pytest

from backends.contract.dialect import Inexpressible
from tests.backends.dialects.google.exchange import VERTEX, body, events, said, sse, whole, written
from tests.backends.dialects.google.test_read_reply import HELLO, TOOLS
from tests.emulators.google_model import signature

PNG = base64.b64encode(b"not really a picture").decode()


def user(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


def test_instructions_stand_apart_and_neighbours_are_one_turn() -> None:
    made = body({"messages": [
        {"role": "system", "content": "Be kind."}, {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "a"}, {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"},
    ]})  # fmt: skip
    assert made == {
        "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
            {"role": "model", "parts": [{"text": "c"}]},
            {"role": "user", "parts": [{"text": "d"}]},
        ],
    }


def test_instructions_alone_are_the_users() -> None:
    made = body({"messages": [{"role": "system", "content": "Say hello."}]})
    assert made == {"contents": [{"role": "user", "parts": [{"text": "Say hello."}]}]}


def test_pictures_documents_and_sounds() -> None:
    made = body(user(
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/owl.webp?size=2", "detail": "low"}},
        {"type": "image_url", "image_url": "gs://bucket/owl"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{PNG}"}},
        {"type": "file", "file": {"file_id": "https://generativelanguage.googleapis.com/v1beta/files/abc"}},
        {"type": "input_audio", "input_audio": {"format": "wav", "data": PNG}},
    ))  # fmt: skip
    assert made["contents"][0]["parts"][1:] == [
        {"inlineData": {"mimeType": "image/png", "data": PNG}},
        {"fileData": {"mimeType": "image/webp", "fileUri": "https://example.com/owl.webp?size=2"}},
        {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://bucket/owl"}},
        {"inlineData": {"mimeType": "application/pdf", "data": PNG}},
        {
            "fileData": {
                "mimeType": "application/pdf",
                "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
            }
        },
        {"inlineData": {"mimeType": "audio/wav", "data": PNG}},
    ]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3-pro"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_loop_of_parallel_calls_goes_round(model: str, stream: bool) -> None:
    """The answer, sent back as a client would send it, is taken: ids, names and signatures are where they were."""
    reply = said({**HELLO, "tools": TOOLS}, model)
    message = whole(events([sse(reply) if stream else msgspec.json.encode(reply.whole())], stream=stream)[0])
    calls = message["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": '{"t": 3}' if call["id"][-1] == "0" else "noon"}
               for call in calls["tool_calls"]]  # fmt: skip
    again = body({"messages": [*HELLO["messages"], calls, *results], "tools": TOOLS}, model)
    sent = again["contents"][1]["parts"]
    assert [part["functionCall"]["name"] for part in sent] == ["weather", "clock"]
    assert [part.get("thoughtSignature") for part in sent] == [signature("weather"), None]
    answered = [part["functionResponse"] for part in again["contents"][2]["parts"]]
    assert [(one["name"], one["response"]) for one in answered] == [
        ("weather", {"t": 3}),
        ("clock", {"output": "noon"}),
    ]
    assert [one["id"] for one in answered] == [call["id"] for call in calls["tool_calls"]]


def test_another_models_calls_pass_where_signatures_are_asked_for() -> None:
    call = {"id": "toolu_1", "type": "function", "function": {"name": "clock", "arguments": ""}}
    chat = {"messages": [
        *HELLO["messages"], {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_1", "content": [{"type": "text", "text": "noon"}]},
        {"role": "user", "content": "and now?"},
    ], "tools": TOOLS}  # fmt: skip
    assert "thoughtSignature" in body(chat, "gemini-3-flash")["contents"][1]["parts"][0]
    older = body(chat, "gemini-2.5-flash")["contents"]
    assert "thoughtSignature" not in older[1]["parts"][0]
    assert [content["role"] for content in older] == ["user", "model", "user", "user"]


def test_a_signature_of_text_goes_back_on_its_text() -> None:
    detail = {"type": "reasoning.text", "format": "google-gemini-v1", "text": "", "signature": "c2ln"}
    foreign = {"type": "reasoning.text", "format": "anthropic-claude-v1", "text": "hm", "signature": "eHh4"}
    chat = {"messages": [*HELLO["messages"],
                         {"role": "assistant", "content": "3", "reasoning_details": [foreign, detail]},
                         *HELLO["messages"]]}  # fmt: skip
    assert body(chat)["contents"][1]["parts"] == [{"text": "3", "thoughtSignature": "c2ln"}]


def test_settings() -> None:
    chat = {**HELLO, "max_completion_tokens": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "seed": 7, "n": 2,
            "frequency_penalty": 0.1, "presence_penalty": 0.2, "logprobs": True, "top_logprobs": 3,
            "stop": ["a", "b"]}  # fmt: skip
    assert body(chat)["generationConfig"] == {
        "maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 40, "seed": 7, "candidateCount": 2,
        "frequencyPenalty": 0.1, "presencePenalty": 0.2, "responseLogprobs": True, "logprobs": 3,
        "stopSequences": ["a", "b"],
    }  # fmt: skip
    assert "generationConfig" not in body({**HELLO, "logprobs": False, "top_logprobs": 0})


def test_json_schemas_go_as_they_came() -> None:
    schema = {"$defs": {"n": {"type": "integer"}}, "type": "object", "properties": {"n": {"$ref": "#/$defs/n"}},
              "additionalProperties": False}  # fmt: skip
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    made = body({**HELLO, "response_format": wanted})
    assert made["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}
    assert body({**HELLO, "response_format": {"type": "json_object"}})["generationConfig"] == {
        "responseMimeType": "application/json"
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    assert body({**HELLO, "tools": [tool]})["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == schema


@pytest.mark.parametrize(
    ("choice", "strict", "mode"),
    [
        ("auto", False, {"mode": "AUTO"}),
        ("none", False, {"mode": "NONE"}),
        ("required", True, {"mode": "ANY"}),
        (
            {"type": "function", "function": {"name": "clock"}},
            False,
            {"mode": "ANY", "allowedFunctionNames": ["clock"]},
        ),
        (None, True, {"mode": "VALIDATED"}),
        (None, False, None),
    ],
)
def test_how_tools_are_chosen(choice: Any, strict: bool, mode: dict[str, Any] | None) -> None:
    tools = [{"type": "function", "function": {**tool["function"], "strict": strict}} for tool in TOOLS]  # type: ignore[dict-item]
    made = body({**HELLO, "tools": tools, "tool_choice": choice})
    assert made.get("toolConfig", {}).get("functionCallingConfig") == mode


@pytest.mark.parametrize(
    ("model", "asked", "config"),
    [
        ("gemini-2.5-flash", {"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ("gemini-2.5-flash", {"reasoning_effort": "high"}, {"thinkingBudget": 24576, "includeThoughts": True}),
        ("gemini-3-flash", {"reasoning_effort": "medium"}, {"thinkingLevel": "MEDIUM", "includeThoughts": True}),
        ("gemini-3-flash", {"reasoning_effort": "none"}, {"thinkingLevel": "MINIMAL"}),
        ("gemini-3-pro", {"reasoning_effort": "minimal"}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ("gemini-3-pro", {"reasoning": {"max_tokens": 500, "exclude": True}}, {"thinkingBudget": 500}),
        ("gemini-2.5-pro", {"thinking": {"type": "adaptive"}}, {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-3-pro", {"thinking": {"type": "adaptive"}}, {"includeThoughts": True}),
    ],
)
def test_thinking(model: str, asked: dict[str, Any], config: dict[str, Any]) -> None:
    assert body({**HELLO, **asked}, model)["generationConfig"]["thinkingConfig"] == config


def test_googles_own_fields_pass() -> None:
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    made = body({**HELLO, "safety_settings": safety, "cached_content": "cachedContents/1"})
    assert (made["safetySettings"], made["cachedContent"]) == (safety, "cachedContents/1")
    google = {"thinking_config": {"thinkingBudget": 5}, "cached_content": "cachedContents/2"}
    made = body({**HELLO, "extra_body": {"google": google}})
    assert made["cachedContent"] == "cachedContents/2"
    assert made["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 5}}


def test_who_asks_becomes_a_label_where_it_can() -> None:
    assert body({**HELLO, "user": "ada", "metadata": {"team": "a-1"}})["labels"] == {"team": "a-1", "user": "ada"}
    assert written({**HELLO, "user": "ada@example.com", "metadata": {"Team": "x"}}).dropped == ("metadata", "user")


def test_what_has_no_place_is_named() -> None:
    chat = {**HELLO, "tools": TOOLS, "logit_bias": {"1": 2}, "parallel_tool_calls": False, "verbosity": "low"}
    assert written(chat).dropped == ("logit_bias", "parallel_tool_calls", "verbosity")
    assert written({**HELLO, "logit_bias": {}, "parallel_tool_calls": True, "service_tier": "auto"}).dropped == ()


def test_service_tiers_are_a_field_of_the_body_or_of_the_head() -> None:
    assert body({**HELLO, "service_tier": "flex"})["serviceTier"] == "flex"
    fields = written({**HELLO, "service_tier": "priority"}, resource=VERTEX).headers.fields
    assert fields[b"x-vertex-ai-llm-shared-request-type"] == b"priority"
    assert written({**HELLO, "service_tier": "scale"}).dropped == ("service_tier",)


def test_where_a_request_goes() -> None:
    assert written(HELLO).target == b"/models/gemini-2.5-flash:generateContent"
    streamed = written({**HELLO, "stream": True}, "gemini-3-pro", VERTEX).target
    assert streamed == b"/" + VERTEX.encode() + b"/publishers/google/models/gemini-3-pro:streamGenerateContent?alt=sse"
    assert written(HELLO, "tunedModels/a b").target == b"/tunedModels/a%20b:generateContent"
    assert written(HELLO, "endpoints/12", VERTEX).target == b"/" + VERTEX.encode() + b"/endpoints/12:generateContent"


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "user", "content": ""}], "nothing to answer"),
        ([{"role": "tool", "tool_call_id": "x", "content": "1"}], "answers no call"),
        ([{"role": "assistant", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "[1]"}}]}], "'f'"),
        ([{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-1"}}]}], "file-1"),
    ],
)
def test_what_google_cannot_be_told(messages: list[Any], words: str) -> None:
    with pytest.raises(Inexpressible, match=words):
        written({"messages": messages})
