"""Google's rows: the Gemini API and Vertex AI."""

from typing import Any

import msgspec

from backends.dialects.google.dialect import Google
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal
from tests.contracts_providers.requests import IMAGE, SCHEMA, WEATHER, pixel
from tests.emulators.google_faults import FAULTS
from tests.emulators.google_model import Reply

MODEL = "gemini-2.5-flash"
COUNTED = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
USAGE = Usage(11, 7, 0, "upstream")
HI = [{"role": "user", "parts": [{"text": "hi"}]}]
LONG = "many words " * 2000
SAFETY = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]


def reply(*parts: dict[str, Any], counted: dict[str, Any] = COUNTED, **fields: Any) -> Reply:
    return Reply(MODEL, list(parts), counted, **fields)


def sse(said: Reply) -> tuple[bytes, ...]:
    return tuple(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in said.chunks())


def case(name: str, said: Reply, **fields: Any) -> Case:
    return Case(name, msgspec.json.encode(said.whole()), sse(said), **{"usage": USAGE, **fields})


TEXT = reply({"text": "Hello from Gemini, and from all of us."})
CALLS = (
    {"functionCall": {"name": "weather", "args": {"city": "Zürich", "days": 3}}, "thoughtSignature": "c2ln"},
    {"functionCall": {"name": "now", "id": "own"}},
)
CASES = (
    case(
        "chat",
        TEXT,
        asked={"messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}]},
        sent={"systemInstruction": {"parts": [{"text": "be short"}]}, "contents": HI},
        told={"content": "Hello from Gemini, and from all of us."},
    ),
    case(
        "tools",
        reply({"text": "I look."}, *CALLS),
        asked={"tools": [WEATHER], "tool_choice": "required"},
        sent={
            "tools": [
                {
                    "functionDeclarations": [
                        {"name": "weather", "description": "The weather.", "parametersJsonSchema": SCHEMA}
                    ]
                }
            ],
            "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        },
        told={
            "content": "I look.",
            "tool_calls": [
                {
                    "id": "call_resp-1_00",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Zürich","days":3}'},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                },
                {"id": "own", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        finish="tool_calls",
    ),
    case(
        "json_schema",
        reply({"text": '{"city": "Bern"}'}),
        asked={"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        sent={"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
        told={"content": '{"city": "Bern"}'},
    ),
    case(
        "image",
        TEXT,
        asked={"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE]}]},
        sent={
            "contents": [
                {
                    "role": "user",
                    "parts": [{"text": "what?"}, {"inlineData": {"mimeType": "image/png", "data": pixel()}}],
                }
            ]
        },
    ),
    case(
        "reasoning",
        reply(
            {"text": "Let me think it through.", "thought": True},
            {"text": "42", "thoughtSignature": "c2lnbmF0dXJl"},
            counted={**COUNTED, "thoughtsTokenCount": 5, "totalTokenCount": 23},
        ),
        asked={"reasoning_effort": "high"},
        sent={"generationConfig": {"thinkingConfig": {"thinkingBudget": 24576, "includeThoughts": True}}},
        told={"content": "42", "reasoning_content": "Let me think it through."},
        usage=Usage(11, 12, 0, "upstream", reasoning=5),
    ),
    case(
        "stop",
        TEXT,
        asked={"stop": "END", "temperature": 0.2, "max_completion_tokens": 50, "seed": 4, "frequency_penalty": 0.5},
        sent={
            "generationConfig": {
                "stopSequences": ["END"],
                "temperature": 0.2,
                "maxOutputTokens": 50,
                "seed": 4,
                "frequencyPenalty": 0.5,
            }
        },
    ),
    case("long", reply({"text": LONG}, finish="MAX_TOKENS"), told={"content": LONG}, finish="length"),
    case(
        "cached",
        reply({"text": "yes"}, counted={**COUNTED, "promptTokenCount": 1011, "cachedContentTokenCount": 1000}),
        asked={"cached_content": "cachedContents/1", "safety_settings": SAFETY},
        sent={"cachedContent": "cachedContents/1", "safetySettings": SAFETY},
        usage=Usage(1011, 7, 1000, "upstream"),
    ),
    case("refused", reply({"text": "Well, "}, finish="SAFETY"), told={"content": "Well, "}, finish="content_filter"),
)


def refusal(fault: str, failure: Failure, **fields: Any) -> Refusal:
    status, body = FAULTS[fault].whole
    return Refusal(fault, status, msgspec.json.encode(body), failure, **fields)


REFUSALS = (
    refusal("rate_limited", Failure.RATE_LIMITED, retry_after=1.5),
    refusal("exhausted", Failure.RATE_LIMITED),
    refusal("spent_for_today", Failure.RATE_LIMITED, retry_after=600.0),
    refusal("overloaded", Failure.OVERLOADED),
    refusal("internal", Failure.SERVER_ERROR),
    refusal("late", Failure.SERVER_ERROR),
    refusal("too_long", Failure.CONTEXT_TOO_LONG),
    refusal("bad_key", Failure.AUTH),
    refusal("forbidden", Failure.AUTH),
    refusal("not_found", Failure.NOT_FOUND),
)

STREAM = sse(TEXT)
_OVERLOADED = b"data: " + msgspec.json.encode(FAULTS["overloaded"].whole[1]) + b"\r\n\r\n"
BROKEN = (
    Broken("cut", STREAM[:1], Failure.BROKEN_STREAM),
    Broken("without_finish", STREAM[:-1], Failure.BROKEN_STREAM),
    Broken("empty", (), Failure.BROKEN_STREAM),
    Broken("garbage", (*STREAM[:1], b"data: {nonsense\r\n\r\n"), Failure.MALFORMED),
    Broken("overloaded", (*STREAM[:1], _OVERLOADED), Failure.OVERLOADED),
    Broken("blocked", sse(FAULTS["blocked"].reply(TEXT)), Failure.CONTENT_FILTERED),
    Broken("malformed_call", sse(FAULTS["malformed_call"].reply(TEXT)), Failure.MALFORMED),
    Broken("said_nothing", sse(FAULTS["empty"].reply(TEXT)), Failure.MALFORMED),
)

GEMINI = Provider("gemini", Google(), MODEL, CASES, REFUSALS, BROKEN)
VERTEX = Provider("vertex", Google("projects/p/locations/global", vertex=True), MODEL, CASES, REFUSALS, BROKEN)
