"""Anthropic's dialect, read as its clients read it."""

import json

import httpx

from .conftest import Serve

ASKED = {"model": "demo", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}


async def test_a_message_has_text_a_reason_and_usage(serve: Serve, http: httpx.AsyncClient) -> None:
    message = (await http.post(f"{await serve()}/v1/messages", json=ASKED)).json()
    assert (message["type"], message["role"], message["stop_reason"]) == ("message", "assistant", "max_tokens")
    assert len(message["content"][0]["text"].split()) == 5
    assert message["usage"]["output_tokens"] == 5


async def test_events_are_named_and_add_up_to_the_message(serve: Serve, http: httpx.AsyncClient) -> None:
    url = f"{await serve()}/v1/messages"
    whole = (await http.post(url, json=ASKED)).json()["content"][0]["text"]
    reply = await http.post(url, json={**ASKED, "stream": True})
    blocks = [block.split("\n") for block in reply.text.removesuffix("\n\n").split("\n\n")]
    events = [json.loads(data.removeprefix("data: ")) for _, data in blocks]
    assert [name.removeprefix("event: ") for name, _ in blocks] == [event["type"] for event in events]
    assert [events[0]["type"], events[1]["type"]] == ["message_start", "content_block_start"]
    assert [event["type"] for event in events[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
    deltas = [event["delta"]["text"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(deltas) == whole


async def test_a_stop_sequence_is_named(serve: Serve, http: httpx.AsyncClient) -> None:
    url = f"{await serve()}/v1/messages"
    word = (await http.post(url, json=ASKED)).json()["content"][0]["text"].split()[2]
    message = (await http.post(url, json={**ASKED, "stop_sequences": [word]})).json()
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", word)


async def test_cached_tokens_are_counted_beside_the_input(serve: Serve, http: httpx.AsyncClient) -> None:
    url = f"{await serve()}/v1/messages"
    asked = {**ASKED, "system": "long " * 100}
    cold = (await http.post(url, json=asked)).json()["usage"]
    warm = (await http.post(url, json=asked)).json()["usage"]
    assert cold["cache_read_input_tokens"] == 0
    assert warm["cache_read_input_tokens"] > 100
    assert warm["input_tokens"] + warm["cache_read_input_tokens"] == cold["input_tokens"]


async def test_tokens_are_counted_as_they_are_used(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    counted = (await http.post(f"{url}/v1/messages/count_tokens", json=ASKED)).json()["input_tokens"]
    assert counted == (await http.post(f"{url}/v1/messages", json=ASKED)).json()["usage"]["input_tokens"]


async def test_errors_wear_anthropics_envelope(serve: Serve, http: httpx.AsyncClient) -> None:
    url = f"{await serve()}/v1/messages"
    unknown = await http.post(url, json={**ASKED, "model": "other"})
    broken = await http.post(url, content="{")
    assert (unknown.status_code, unknown.json()["error"]["type"]) == (404, "not_found_error")
    assert (broken.status_code, broken.json()["error"]["type"]) == (400, "invalid_request_error")
