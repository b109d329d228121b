"""Tool schemas and structured answers: what the gateway must carry without understanding it."""

import json
from typing import Any

import openai
import pytest

from tests.engine.prompts import HELLO

CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}}, "required": ["city"]}
TOOLS: list[Any] = [{"type": "function", "function": {"name": "weather", "description": "Now", "parameters": CITY}}]
WEATHER: Any = {"type": "function", "function": {"name": "weather"}}


def tokens_without_tools(client: openai.OpenAI) -> int:
    answer = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=1)
    assert answer.usage
    return answer.usage.prompt_tokens


@pytest.mark.parametrize("choice", ["none", "auto"])
def test_the_schema_of_a_tool_reaches_the_prompt(client: openai.OpenAI, choice: Any) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=4, tools=TOOLS, tool_choice=choice)
    assert answer.usage
    assert answer.usage.prompt_tokens > tokens_without_tools(client) + 40
    assert not answer.choices[0].message.tool_calls, "noise calls nothing by chance"


def test_a_named_tool_is_called_in_a_stream(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="chat", messages=HELLO, max_tokens=32, temperature=0, tools=TOOLS, tool_choice=WEATHER, stream=True
        )
    )
    calls = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or []]
    assert calls[0].id
    assert calls[0].function
    assert calls[0].function.name == "weather"
    assert "".join(call.function.arguments or "" for call in calls if call.function)
    assert {call.index for call in calls} == {0}


def test_the_result_of_a_tool_may_be_in_the_conversation(client: openai.OpenAI) -> None:
    call = {"id": "call-1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
    messages: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": "rain"},
    ]
    answer = client.chat.completions.create(model="chat", messages=messages, max_tokens=4, tools=TOOLS)
    assert answer.choices[0].finish_reason


def test_a_json_schema_binds_even_a_model_of_noise(client: openai.OpenAI) -> None:
    city = {"name": "city", "strict": True, "schema": {"enum": ["Oslo", "Rome"]}}
    answer = client.chat.completions.create(
        model="chat",
        messages=HELLO,
        max_tokens=32,
        response_format={"type": "json_schema", "json_schema": city},
        temperature=0,
    )
    assert json.loads(answer.choices[0].message.content or "") in ("Oslo", "Rome")


def test_a_broken_schema_is_the_clients_fault(client: openai.OpenAI) -> None:
    tools: Any = [{"type": "function", "function": {"description": "has no name"}}]
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=HELLO, max_tokens=4, tools=tools)
    assert "name" in caught.value.message
