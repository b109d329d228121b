"""Two places that may answer. Rule: the answers of every endpoint family, good and bad, are made here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from tests.contracts.client import post
from tests.contracts.scripted import ANSWER, Script, Upstream, stream, upstream, whole
from tests.contracts.serving import Running, running

ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
TEXT = b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}}]}\n\n'
FINISH = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
IN_BAND = b'data: {"error": {"message": "engine died", "type": "InternalServerError", "code": 500}}\n\n'


def event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


CREATED = event("response.created", response={"id": "r"})
DELTA = event("response.output_text.delta", delta="yes")
COMPLETED = event("response.completed", response={"id": "r"})
MESSAGE = event("message_start", message={"id": "m", "usage": {"input_tokens": 1, "output_tokens": 0}})
BLOCK = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "yes"})
STOP = event("message_stop")
# Family -> path, and the streams it answers in; None: it does not stream.
FAMILIES = {
    "chat": ("/v1/chat/completions", [ROLE, TEXT, FINISH, DONE]),
    "completions": ("/v1/completions", [b'data: {"choices": [{"text": "yes", "finish_reason": "stop"}]}\n\n', DONE]),
    "responses": ("/v1/responses", [CREATED, DELTA, COMPLETED]),
    "messages": ("/v1/messages", [MESSAGE, BLOCK, STOP]),
    "embeddings": ("/v1/embeddings", None),
}


@asynccontextmanager
async def two(
    first: Script, second: Script, more: str = "", door: str = "hot"
) -> AsyncIterator[tuple[Running, Upstream, Upstream]]:
    """A gateway before a first upstream and one to fall back on."""
    async with upstream(first) as a, upstream(second) as b:
        text = f"""
defaults:
  timeouts: {{ttft: 300ms, response: 300ms, stream_idle: 300ms}}
  retry: {{base: 20ms}}
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{a.url}", api_key: a, native: [messages, responses]}}
  second: {{provider: openai_compatible, model: m, base_url: "{b.url}", api_key: b, native: [messages, responses]}}
models: {{m: {{deployments: [first, second]}}}}
"""
        async with running(text, door) as gateway:
            yield gateway, a, b


def request(family: str, streamed: bool) -> bytes:
    return post(
        FAMILIES[family][0], msgspec.json.encode({"model": "m", "stream": streamed, "input": "x", "messages": []})
    )


def good(family: str, streamed: bool) -> tuple[Script, bytes]:
    """A script that answers well, and the body that it makes."""
    events = FAMILIES[family][1]
    if not streamed or events is None:
        return whole(ANSWER), ANSWER
    return stream(*events), b"".join(events)


def typed_error(family: str) -> Script:
    events = FAMILIES[family][1]
    if family == "responses":
        return stream(
            CREATED, event("response.failed", response={"error": {"message": "died", "code": "server_error"}})
        )
    if family == "messages":
        return stream(MESSAGE, event("error", error={"type": "api_error", "message": "died"}))
    assert events is not None
    return stream(ROLE, IN_BAND)
