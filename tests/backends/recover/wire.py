"""Streams as data: what an upstream would send for some pieces of text, and what a client reads of what it was sent."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from backends.contract import sse
from backends.recover.spliced_stream import Join, Mend, SplicedStream
from backends.recover.transcript import Kept
from backends.reply.chat_stream import ChatStream

DONE = b"data: [DONE]\n\n"
COMMENT = b": cloverleaf recovered mode=test deployment=d at=1\n\n"


def event(value: object) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def chunk(id: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    return event(
        {
            "id": id,
            "object": "chat.completion.chunk",
            "created": sum(id.encode()),
            "model": f"model-{id}",
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        }
    )


def stream(id: str, pieces: Iterable[tuple[str, str]], finish: str = "stop", usage: tuple[int, int] = (10, 5)) -> bytes:
    """A whole stream, its usage included."""
    said = b"".join(chunk(id, {channel: text}) for channel, text in pieces)
    counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return (
        chunk(id, {"role": "assistant", "content": ""})
        + said
        + chunk(id, {}, finish)
        + event({"id": id, "created": 1, "model": "x", "choices": [], "usage": counted})
        + DONE
    )


def kept(id: str, pieces: Iterable[tuple[str, str]]) -> Kept:
    """What is kept of a stream that died after these pieces."""
    held = Kept()
    held.read(chunk(id, {"role": "assistant", "content": ""}))
    for channel, text in pieces:
        held.read(chunk(id, {channel: text}))
    return held


def seam(join: Join, held: Kept, *, usage: bool = True) -> SplicedStream:
    return SplicedStream(ChatStream(hide_usage=not usage), Mend(join, held, COMMENT, usage, 10))


def feed(decoder: SplicedStream, parts: Sequence[bytes]) -> bytes:
    """What a client gets of these packets."""
    out = b"".join([decoder.feed(part) for part in parts])
    return out if decoder.fault is not None else out + decoder.close()


class Read(msgspec.Struct):
    """A stream as a client reads it."""

    texts: dict[str, str] = {}
    finishes: list[str] = []
    ids: set[str] = set()
    models: set[str] = set()
    roles: int = 0
    usage: dict[str, Any] | None = None
    done: int = 0
    comments: list[bytes] = []


def read(data: bytes) -> Read:
    seen = Read()
    for each in sse.split(data):
        payload = sse.payload(each)
        if not payload:
            seen.comments.append(each)
        elif payload == b"[DONE]":
            seen.done += 1
        else:
            note(seen, msgspec.json.decode(payload))
    return seen


def note(seen: Read, value: dict[str, Any]) -> None:
    seen.ids.add(value["id"])
    seen.models.add(value["model"])
    seen.usage = value.get("usage") or seen.usage
    for choice in value["choices"]:
        said = choice if "text" in choice else choice["delta"]
        seen.roles += "role" in said
        for channel in ("content", "reasoning_content", "text"):
            if said.get(channel):
                seen.texts[channel] = seen.texts.get(channel, "") + said[channel]
        if choice["finish_reason"]:
            seen.finishes.append(choice["finish_reason"])
