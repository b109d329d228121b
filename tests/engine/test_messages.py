"""Anthropic's Messages API, as the engines speak it natively: its own events, its own error envelope."""

import json

import httpx

from tests.engine.prompts import HELLO, long_prompt

ASK = {"model": "chat", "messages": HELLO, "max_tokens": 8, "temperature": 0}


def test_a_message_comes_whole(http: httpx.Client) -> None:
    message = http.post("/v1/messages", json=ASK).raise_for_status().json()
    assert message["type"] == "message"
    assert message["model"] == "tiny"
    assert message["content"][0]["text"]
    assert message["usage"]["output_tokens"] <= 8


def test_a_streamed_message_has_anthropics_events_and_no_done(http: httpx.Client) -> None:
    whole = http.post("/v1/messages", json=ASK).json()["content"][0]["text"]
    lines = http.post("/v1/messages", json={**ASK, "stream": True}).raise_for_status().text.splitlines()
    names = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    events = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert (names[0], names[-1]) == ("message_start", "message_stop")
    assert [event["type"] for event in events] == names
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas) == whole


def test_tokens_are_counted_without_generating(http: httpx.Client) -> None:
    counted = http.post("/v1/messages/count_tokens", json={"model": "chat", "messages": HELLO}).raise_for_status()
    message = http.post("/v1/messages", json=ASK).json()
    assert counted.json()["input_tokens"] == message["usage"]["input_tokens"]


def test_an_error_wears_anthropics_envelope(http: httpx.Client) -> None:
    too_long = {**ASK, "messages": [{"role": "user", "content": long_prompt(12000)}]}
    for answer, status in (
        (http.post("/v1/messages", json=too_long), 400),
        (http.post("/v1/messages", json={**ASK, "model": "nobody"}), 404),
        (http.post("/v1/messages", json=ASK, headers={"authorization": "Bearer wrong"}), 401),
    ):
        assert answer.status_code == status
        assert answer.json()["type"] == "error"
        assert answer.json()["error"]["message"]


def test_the_key_may_come_as_anthropics_clients_send_it(http: httpx.Client) -> None:
    key = http.headers["authorization"].removeprefix("Bearer ")
    del http.headers["authorization"]
    assert http.post("/v1/messages", json=ASK, headers={"x-api-key": key}).is_success
    assert http.post("/v1/messages", json=ASK).status_code == 401
