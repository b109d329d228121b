"""One exchange without a socket: a chat body through the dialect to the emulated model, and its answer back."""

from typing import Any

import msgspec

from backends.contract.dialect import ReplyReader, Written
from backends.contract.events import Event
from backends.contract.reply_context import Heading
from backends.dialects.google.dialect import Google
from backends.dialects.openai.chat.read_request import read_chat
from backends.dialects.openai.chat.write_reply import ChatReply
from tests.emulators.google_model import Reply, generate
from tests.emulators.google_request import check
from tests.facts import facts_of

VERTEX = "projects/proj/locations/us-central1"


def written(chat: dict[str, Any], model: str = "gemini-2.5-flash", resource: str = "") -> Written:
    return Google(resource, vertex=bool(resource)).write(read_chat(facts_of(model="m", **chat)), model)


def body(chat: dict[str, Any], model: str = "gemini-2.5-flash", resource: str = "") -> Any:
    """The body that is sent, which the emulated Google takes."""
    made = msgspec.json.decode(written(chat, model, resource).body)
    check("generateContent", model, made, vertex=bool(resource))
    return made


def said(chat: dict[str, Any], model: str = "gemini-2.5-flash") -> Reply:
    """What the emulated model answers to it."""
    return generate(model, body(chat, model))


def sse(reply: Reply) -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in reply.chunks())


def events(pieces: list[bytes], *, stream: bool) -> tuple[list[Event], ReplyReader]:
    reader = Google().reader(stream, b"text/event-stream" if stream else b"application/json; charset=UTF-8")
    read = [event for piece in pieces for event in reader.feed(piece)]
    return read + reader.close(), reader


def whole(events: list[Event]) -> dict[str, Any]:
    """They as one chat completion."""
    writer = ChatReply(Heading("0" * 16, "m", 1, stream=False))
    writer.write(events)
    answer: dict[str, Any] = msgspec.json.decode(writer.end())
    return answer
