"""A client of the soak. Rule: it knows what the undisturbed answer is, and says of each answer what it was.

ok        whole, and what was expected
broken    an error after the first token, and no end that looks like one
refused   an error before the first token
left      the client hung up, as it meant to
wrong     another text, or a success that is not whole: this must never be
"""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import msgspec

from backends.contract import sse
from backends.engine import prompt
from backends.engine import request_plan as plan
from backends.engine.requests import ChatRequest

LIMITS = plan.Limits(131_072, 16)
PATIENCE = 90.0  # seconds until a request counts as hanging
FAMILIES = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
}


class Ask(msgspec.Struct, frozen=True):
    """One request. ``leaves``: after how many packets of its answer the client hangs up; 0: it does not."""

    id: str
    family: str
    body: dict[str, Any]
    leaves: int

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream"))


class Told(msgspec.Struct):
    """What became of it. ``recovered``: the answer said that it went on elsewhere."""

    ask: Ask
    verdict: str
    detail: str = ""
    recovered: bool = False
    attempts: int = 0


def asking(rng: random.Random, id: str) -> Ask:
    """Some request: half of them streamed chats."""
    family = rng.choices(list(FAMILIES), [7, 1, 1, 1])[0]
    text = f"{id} " + "word " * rng.randint(1, 200)
    stream = family != "embeddings" and rng.random() < 0.75
    tokens = rng.randint(4, 100 if stream else 40)
    usual: dict[str, Any] = {"model": "m", "stream": stream}
    if family == "chat":
        fields = {"messages": [{"role": "user", "content": text}], "max_tokens": tokens, "ignore_eos": True}
        if rng.random() < 0.3:
            fields |= {"temperature": 0}
        if stream and rng.random() < 0.5:
            fields |= {"stream_options": {"include_usage": True}}
    elif family == "completions":
        fields = {"prompt": text, "max_tokens": tokens, "ignore_eos": True}
    elif family == "responses":
        fields = {"input": text, "max_output_tokens": tokens}
    else:
        usual, fields = {"model": "m"}, {"input": text}
    leaves = rng.randint(1, 20) if rng.random() < 0.08 else 0
    return Ask(id, family, {**usual, **fields}, leaves)


def expected(ask: Ask) -> str:
    """The undisturbed answer of a chat: any engine's."""
    asked = msgspec.convert(ask.body, ChatRequest)
    rendered = prompt.chat(asked.messages)
    room = LIMITS.room(rendered, asked.max_tokens)
    return plan.choose(rendered, asked, room, LIMITS.block_size)[0].text()


async def tell(port: int, ask: Ask) -> Told:
    """Ask, and judge the answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await _exchange(port, ask)
    except TimeoutError:
        return Told(ask, "wrong", "no end in time")


async def _exchange(port: int, ask: Ask) -> Told:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        body = msgspec.json.encode(ask.body)
        head = f"POST {FAMILIES[ask.family]} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}x-request-id: {ask.id}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        status, headers = await _head(reader)
        data, whole = await _body(reader, headers, ask.leaves)
        if whole is None:
            return Told(ask, "left")
        told = judge(ask, status, data, whole)
        told.attempts = int(headers.get("x-cloverleaf-attempts", "0"))
        return told
    except (ConnectionError, asyncio.IncompleteReadError) as error:
        return Told(ask, "wrong", f"cut off before the answer: {type(error).__name__}")
    finally:
        writer.transport.abort()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip().split("\r\n")
    pairs = [line.split(": ", 1) for line in lines]
    return int(first.split()[1]), {name.lower(): value for name, value in pairs}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str], leaves: int) -> tuple[bytes, bool | None]:
    """The body, and whether it came to its end; None: the client hung up."""
    data, packets = bytearray(), 0
    try:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"])), True
        while size := int(await reader.readuntil(b"\r\n"), 16):
            data += (await reader.readexactly(size + 2))[:-2]
            packets += 1
            if packets == leaves:
                return bytes(data), None
        await reader.readexactly(2)
    except (ConnectionError, asyncio.IncompleteReadError):
        return bytes(data), False
    return bytes(data), True


def judge(ask: Ask, status: int, data: bytes, whole: bool) -> Told:
    if status != 200:
        return Told(ask, "refused", f"{status} {data[:200].decode(errors='replace')}")
    if not ask.stream:
        right = whole and (ask.family != "chat" or _whole_text(data) == expected(ask))
        return Told(ask, "ok" if right else "wrong", "" if right else f"not whole: {data[-100:]!r}")
    return _judge_stream(ask, data, whole)


def _whole_text(data: bytes) -> str:
    text: str = msgspec.json.decode(data)["choices"][0]["message"]["content"]
    return text


def _judge_stream(ask: Ask, data: bytes, whole: bool) -> Told:
    text, finish, done, error = "", "", False, ""
    for event in sse.split(data):
        payload = sse.payload(event)
        done = done or payload == b"[DONE]"
        if not payload or payload == b"[DONE]":
            continue
        value = msgspec.json.decode(payload)
        if value.get("error") or value.get("type") == "error":
            error = str(value.get("error") or value)
        done = done or value.get("type") in ("response.completed", "response.incomplete")
        for choice in value.get("choices", ()):
            finish = choice.get("finish_reason") or finish
            text += choice.get("text") or choice.get("delta", {}).get("content") or ""
    told = Told(ask, "ok", recovered=b": cloverleaf recovered" in data)
    if error or not whole:
        told.verdict, told.detail = ("wrong", "an error and [DONE]") if done and finish else ("broken", error)
    elif not done or (ask.family != "responses" and finish != "length"):
        told.verdict, told.detail = "wrong", f"a clean end without one: {data[-150:]!r}"
    elif ask.family == "chat" and text != expected(ask):
        told.verdict, told.detail = "wrong", f"{text!r} is not {expected(ask)!r}"
    elif ask.family == "completions" and len(text) != 4 * int(ask.body["max_tokens"]):
        told.verdict, told.detail = "wrong", f"{len(text)} characters for {ask.body['max_tokens']} tokens"
    return told
