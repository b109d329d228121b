"""Chat completions through the official client, which refuses what its types do not allow."""

import json
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI

from .conftest import Connect, Serve

HELLO: Any = [{"role": "user", "content": "hello there"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city"],
        },
    },
}


async def streamed(client: AsyncOpenAI, **asked: Any) -> list[Any]:
    stream = await client.chat.completions.create(
        **{"model": "demo", "messages": HELLO, **asked}, stream=True, stream_options={"include_usage": True}
    )
    return [chunk async for chunk in stream]


def text_of(chunks: list[Any], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


async def test_an_answer_has_text_a_reason_and_usage(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    answer = await client.chat.completions.create(model="demo", messages=HELLO, max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert len((answer.choices[0].message.content or "").split()) == 5
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 5


async def test_a_stream_is_role_deltas_reason_usage_and_done(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    body = {"messages": HELLO, "max_tokens": 4, "stream": True, "stream_options": {"include_usage": True}}
    reply = await http.post(f"{url}/v1/chat/completions", json=body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = reply.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-2]]
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]] == [None] * 4 + ["length"]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"]["completion_tokens"] == 4
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1


async def test_usage_is_not_streamed_unless_asked_for(serve: Serve, http: httpx.AsyncClient) -> None:
    reply = await http.post(f"{await serve()}/v1/chat/completions", json={"messages": HELLO, "stream": True})
    assert '"usage"' not in reply.text
    assert reply.text.endswith("data: [DONE]\n\n")


async def test_a_natural_end_is_a_chunk_without_text(serve: Serve, sdk: Connect) -> None:
    chunks = await streamed(sdk(await serve()))
    last = chunks[-2].choices[0]
    assert (last.delta.content, last.finish_reason) == ("", "stop")


async def test_streamed_and_whole_and_any_replica_say_the_same(serve: Serve, sdk: Connect) -> None:
    one, other = sdk(await serve()), sdk(await serve(speed=50.0))
    whole = await one.chat.completions.create(model="demo", messages=HELLO, seed=3)
    assert text_of(await streamed(other, seed=3)) == whole.choices[0].message.content
    assert text_of(await streamed(other, seed=4)) != whole.choices[0].message.content


async def test_a_dead_stream_can_be_continued_elsewhere_without_a_seam(serve: Serve, sdk: Connect) -> None:
    one, other = sdk(await serve()), sdk(await serve())
    whole = text_of(await streamed(one, max_tokens=30, extra_body={"ignore_eos": True}))
    said = text_of((await streamed(one, max_tokens=30, extra_body={"ignore_eos": True}))[:12])
    extra = {"ignore_eos": True, "continue_final_message": True, "add_generation_prompt": False}
    produced = len(said.split())
    rest = text_of(
        await streamed(
            other,
            messages=[*HELLO, {"role": "assistant", "content": said}],
            max_tokens=30 - produced,
            extra_body=extra,
        )
    )
    assert produced == 11
    assert said + rest == whole


async def test_several_choices_are_streamed_side_by_side(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    chunks = await streamed(client, n=3, max_tokens=6)
    whole = await client.chat.completions.create(model="demo", messages=HELLO, n=3, max_tokens=6)
    texts = [text_of(chunks, index) for index in range(3)]
    assert texts == [choice.message.content for choice in whole.choices]
    assert len(set(texts)) == 3
    reasons = [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert reasons == ["length"] * 3
    assert chunks[-1].usage.completion_tokens == 18
    assert whole.usage is not None
    assert chunks[-1].usage.prompt_tokens == whole.usage.prompt_tokens


async def test_logprobs_name_every_token(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    whole = await client.chat.completions.create(
        model="demo", messages=HELLO, max_tokens=4, logprobs=True, top_logprobs=2
    )
    logprobs = whole.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert "".join(entry.token for entry in logprobs.content) == whole.choices[0].message.content
    assert all(entry.logprob <= 0 and len(entry.top_logprobs) == 2 for entry in logprobs.content)
    chunks = await streamed(client, max_tokens=4, logprobs=True, top_logprobs=2)
    parts = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert [entry.token for part in parts for entry in part.content] == [entry.token for entry in logprobs.content]


async def test_a_stop_string_ends_the_text_and_is_named(serve: Serve, http: httpx.AsyncClient) -> None:
    url = f"{await serve()}/v1/chat/completions"
    text = (await http.post(url, json={"messages": HELLO})).json()["choices"][0]["message"]["content"]
    stop = text.split()[4]
    choice = (await http.post(url, json={"messages": HELLO, "stop": [stop]})).json()["choices"][0]
    assert choice["message"]["content"] == text[: text.index(stop)]
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", stop)


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "weather"}}])
async def test_a_demanded_tool_is_called_with_arguments_that_fit(serve: Serve, sdk: Connect, choice: Any) -> None:
    client = sdk(await serve())
    answer = await client.chat.completions.create(model="demo", messages=HELLO, tools=[WEATHER], tool_choice=choice)
    assert answer.choices[0].finish_reason == "tool_calls"
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"city": "hello there", "days": 1}


async def test_a_tool_call_is_streamed_as_name_and_then_arguments(serve: Serve, sdk: Connect) -> None:
    messages: Any = [{"role": "user", "content": "use a tool, please"}]
    chunks = await streamed(sdk(await serve()), messages=messages, tools=[WEATHER])
    deltas = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert (deltas[0].id is None, deltas[0].function.name, deltas[0].index) == (False, "weather", 0)
    assert all(delta.id is None and delta.function.name is None for delta in deltas[1:])
    arguments = "".join(delta.function.arguments or "" for delta in deltas)
    assert json.loads(arguments)["city"] == "use a tool, please"
    assert chunks[-2].choices[0].finish_reason == "tool_calls"


async def test_tools_are_left_alone_when_nothing_asks_for_them(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    answer = await client.chat.completions.create(model="demo", messages=HELLO, tools=[WEATHER])
    assert not answer.choices[0].message.tool_calls
    messages: Any = [{"role": "user", "content": "a tool"}]
    refused = await client.chat.completions.create(model="demo", messages=messages, tools=[WEATHER], tool_choice="none")
    assert not refused.choices[0].message.tool_calls


async def test_json_is_answered_where_json_is_asked_for(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    free = await client.chat.completions.create(model="demo", messages=HELLO, response_format={"type": "json_object"})
    assert json.loads(free.choices[0].message.content or "") == {"echo": "hello there"}
    schema = {"type": "object", "properties": {"steps": {"type": "array", "items": {"type": "integer"}}}}
    bound = await client.chat.completions.create(
        model="demo",
        messages=HELLO,
        response_format={"type": "json_schema", "json_schema": {"name": "plan", "schema": schema}},
    )
    assert json.loads(bound.choices[0].message.content or "") == {"steps": [1]}


async def test_the_second_of_two_equal_prompts_is_cached(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    messages: Any = [{"role": "user", "content": "long " * 200}]
    cached = []
    for _ in range(2):
        answer = await client.chat.completions.create(model="demo", messages=messages, max_tokens=1)
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        cached.append(answer.usage.prompt_tokens_details.cached_tokens)
    assert cached == [0, answer.usage.prompt_tokens // 16 * 16]


async def test_unknown_fields_are_ignored(serve: Serve, http: httpx.AsyncClient) -> None:
    body = {"messages": HELLO, "top_k": 5, "chat_template_kwargs": {"x": [1]}, "max_tokens": 1}
    assert (await http.post(f"{await serve()}/v1/chat/completions", json=body)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ('{"messages": [', 400, "JSON"),
        ("[]", 400, "object"),
        ('{"messages": "hi"}', 400, "messages"),
        ('{"messages": []}', 400, "empty"),
        ('{"model": "demo"}', 400, "messages"),
        ('{"messages": [{"role": "user", "content": "x"}], "max_tokens": "many"}', 400, "max_tokens"),
        ('{"messages": [{"role": "user", "content": "x"}], "max_tokens": 0}', 400, "max_tokens"),
        ('{"messages": [{"role": "user", "content": "x"}], "n": 0}', 400, "n must"),
        ('{"messages": [{"role": "user", "content": "x"}], "temperature": -1}', 400, "temperature"),
        ('{"messages": [{"role": "user", "content": "x"}], "continue_final_message": true}', 400, "continue"),
        ('{"messages": [{"role": "user", "content": "x"}], "tool_choice": "required"}', 400, "required"),
        ('{"messages": [{"role": "user", "content": "x"}], "model": "gpt-9"}', 404, "`gpt-9` does not exist"),
    ],
)
async def test_a_bad_request_is_refused_in_the_envelope(
    serve: Serve, http: httpx.AsyncClient, body: str, status: int, says: str
) -> None:
    reply = await http.post(f"{await serve()}/v1/chat/completions", content=body)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == status
    assert says in error["message"]


async def test_too_long_a_prompt_is_refused_with_the_limit(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve(max_model_len=64)
    body = {"messages": [{"role": "user", "content": "x" * 400}]}
    reply = await http.post(f"{url}/v1/chat/completions", json=body)
    assert reply.status_code == 400
    assert "maximum context length is 64 tokens" in reply.json()["error"]["message"]
