"""Fidelity. Rule: what the gateway has no business with passes as the bytes it was, in both directions."""

import base64
import random

import msgspec
import pytest

from tests.contracts.client import Reply, ask, chat, post
from tests.contracts.scripted import ANSWER, Call, Script, stream, upstream, whole
from tests.contracts.serving import running

OWN_KEY = "sk-the-gateways-own"
PATH = "/v1/chat/completions"
CHUNKS = [
    b': a comment\n\ndata: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
    b'data: {"choices":[{"index":0,"delta":{"content":"\xf0\x9f\x8d\x80 caf\xc3\xa9"},"unknown":[1.0e5]}]}\r\n\r\n',
    b'data:{"choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\""}}]}}]}\n\n',
    b'event: odd\nid: 7\ndata: {"choices":[{"index":0,"delta":{"content":"two\\n\\nlines"}}]}\n\n: ping\n\n',
    b'data: {"choices":[{"index":0,"finish_reason":"stop"},{"index":1,"finish_reason":"length"}]}\n\n',
]
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}\n\n'
DONE = b"data: [DONE]\n\n"


def config(url: str) -> str:
    return f"""
auth: {{keys: [{{name: client, key: sk-client}}]}}
deployments:
  d:
    provider: openai_compatible
    model: upstream-m
    base_url: "{url}"
    native: [messages, count_tokens, responses]
    api_key: {OWN_KEY}
    headers: {{x-team: blue}}
models: {{m: {{deployments: [d]}}}}
"""


async def relayed(door: str, script: Script, request: bytes) -> tuple[Reply, Call]:
    """What the client gets, and what the upstream got."""
    async with upstream(script) as up, running(config(up.url), door) as gateway:
        reply = await ask(gateway.port, request.replace(b"\r\n", b"\r\nx-api-key: sk-client\r\n", 1))
        return reply, up.calls[0]


# Requests


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","messages":[{"role":"user","content":"hi"}],"unknown":{"deep":[1e400,-0.0,1.10]}}',
        b'\r\n { "messages" : [ ] ,\t"model" : "m" , "seed":18446744073709551617 }\r\n',
        b'{"a":"\\"model\\":\\"m\\"","model":"m","b":"\\ud83c\\udf40","c":"\xf0\x9f\x8d\x80"}',
        b'{"messages":[{"role":"user","content":"the \\"model\\" is m","model":"m"}],"model":"m"}',
    ],
)
async def test_a_request_passes_byte_for_byte_but_for_its_model(door: str, body: bytes) -> None:
    _, call = await relayed(door, whole(ANSWER), post(PATH, body))
    at = call.body.index(b"upstream-m")
    assert call.body[:at] + b"m" + call.body[at + len(b"upstream-m") :] == body


async def test_a_stream_is_asked_for_its_usage_and_nothing_else_changes(door: str) -> None:
    body = b'{"stream": true,  "model":"m", "messages":[]}'
    _, call = await relayed(door, stream(*CHUNKS, USAGE, DONE), post(PATH, body))
    assert msgspec.json.decode(call.body).pop("stream_options") == {"include_usage": True}
    inserted = b'"stream_options":{"include_usage":true},'
    assert call.body.replace(inserted, b"").replace(b"upstream-m", b"m") == body


async def test_a_large_image_and_a_long_prompt_pass(door: str) -> None:
    image = base64.b64encode(random.Random(1).randbytes(7_500_000)).decode()  # 10 MB of text
    parts = [
        {"type": "text", "text": "long words " * 75_000},  # some 200,000 tokens
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}},
    ]
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": parts}]})
    reply, call = await relayed(door, whole(ANSWER), post(PATH, body))
    assert reply.status == 200
    assert call.body.replace(b'"upstream-m"', b'"m"') == body


async def test_a_form_passes_with_its_file_untouched(door: str) -> None:
    sound = random.Random(2).randbytes(300_000) + b"\r\n--x"
    fields = (
        b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n%b\r\n'
        b'--bound\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n--bound--\r\n'
    )
    line = "content-type: multipart/form-data; boundary=bound"
    request = post("/v1/audio/transcriptions", fields % (sound, b"m"), line)
    reply, call = await relayed(door, whole(b'{"text": "hello"}'), request)
    assert call.body == fields % (sound, b"upstream-m")
    assert call.headers["content-type"] == "multipart/form-data; boundary=bound"
    assert reply.json == {"text": "hello"}


async def test_the_upstream_gets_its_own_credential_and_never_the_clients(door: str) -> None:
    lines = (
        "authorization: Bearer sk-client",
        "cookie: session=secret",
        "proxy-authorization: Basic secret",
        "x-forwarded-for: 10.0.0.1",
        "te: trailers",
        "connection: keep-alive, x-hop",
        "x-hop: 1",
        "accept-encoding: gzip, br",
        "user-agent: a-client",
        "openai-beta: assistants=v2",
        "x-request-id: mine",
    )
    _, call = await relayed(door, whole(ANSWER), chat("m", *lines))
    assert b"sk-client" not in call.head and b"secret" not in call.head
    names = [name.lower() for name, _ in call.lines]
    assert len(names) == len(set(names))
    assert not set(names) & {
        "cookie",
        "proxy-authorization",
        "x-forwarded-for",
        "te",
        "connection",
        "x-hop",
        "x-api-key",
    }
    assert call.headers["authorization"] == f"Bearer {OWN_KEY}"
    assert call.headers["accept-encoding"] == "identity"
    assert call.headers["x-team"] == "blue"
    assert (call.headers["openai-beta"], call.headers["x-request-id"]) == ("assistants=v2", "mine")
    assert call.target == PATH


# Answers


async def test_a_whole_answer_passes_byte_for_byte(door: str) -> None:
    body = b' {"unknown" : 1.0e5, "choices":[{"message":{"content":"caf\xc3\xa9 \\u00e9"}}],\r\n"usage":null} \n'
    reply, _ = await relayed(door, whole(body, content_type="application/json; charset=utf-8"), chat())
    assert (reply.body, reply.headers["content-type"]) == (body, "application/json; charset=utf-8")


async def test_a_stream_passes_byte_for_byte_without_the_usage_nobody_asked_for(door: str) -> None:
    reply, _ = await relayed(door, stream(*CHUNKS, USAGE, DONE), chat(stream=True))
    assert reply.body == b"".join(CHUNKS) + DONE
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["cache-control"] == "no-cache"


async def test_usage_that_was_asked_for_passes(door: str) -> None:
    request = chat(stream=True, stream_options={"include_usage": True})
    reply, _ = await relayed(door, stream(*CHUNKS, USAGE, DONE), request)
    assert reply.body == b"".join(CHUNKS) + USAGE + DONE


@pytest.mark.parametrize("size", [1, 2, 7, 100, 10_000])
async def test_however_a_stream_is_cut_into_packets_its_bytes_are_the_same(door: str, size: int) -> None:
    data = b"".join([*CHUNKS, USAGE, DONE])
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    reply, _ = await relayed(door, stream(*parts), chat(stream=True))
    assert reply.body == b"".join(CHUNKS) + DONE


async def test_binary_audio_passes(door: str) -> None:
    sound = random.Random(3).randbytes(1_000_000)
    parts = [sound[at : at + 70_000] for at in range(0, len(sound), 70_000)]
    request = post("/v1/audio/speech", b'{"model": "m", "input": "hi", "voice": "x"}')
    reply, _ = await relayed(door, stream(*parts, content_type="audio/mpeg"), request)
    assert (reply.body, reply.headers["content-type"]) == (sound, "audio/mpeg")


async def test_typed_events_pass_byte_for_byte(door: str) -> None:
    events = [
        b'event: response.created\ndata: {"type":"response.created","response":{"id":"r"}}\n\n',
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"hi"}\n\n',
        b'event: response.completed\ndata: {"type":"response.completed","response":{"usage":null}}\n\n',
    ]
    request = post("/v1/responses", b'{"model": "m", "input": "hi", "stream": true}')
    reply, _ = await relayed(door, stream(*events), request)
    assert reply.body == b"".join(events)


async def test_an_answer_in_another_content_coding_is_not_passed_off_as_plain(door: str) -> None:
    reply, _ = await relayed(door, whole(b"\x1f\x8b", "content-encoding: gzip"), chat())
    assert (reply.status, reply.json["error"]["code"]) == (502, "malformed_answer")
