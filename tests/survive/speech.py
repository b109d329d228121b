"""What upstreams say. Rule: the good answer of every endpoint family, in its parts, so that a fault can stand between.

A stream is ``before`` (no content yet), ``text`` (content), ``last`` (it is whole now), ``done`` (what else ends it).
"""

import msgspec

from tests.contracts.client import post
from tests.contracts.families import BLOCK, COMPLETED, CREATED, DELTA, DONE, FINISH, MESSAGE, ROLE, STOP, TEXT
from tests.contracts.scripted import ANSWER, Script, stream, whole


class Parts(msgspec.Struct, frozen=True):
    path: str
    before: bytes = b""
    text: bytes = b""
    last: bytes = b""
    done: bytes = b""

    @property
    def body(self) -> bytes:
        return self.before + self.text + self.last + self.done


def choice(fields: bytes) -> bytes:
    return b'data: {"choices": [{"index": 0, %b}]}\n\n' % fields


PARTS = {
    "chat": Parts("/v1/chat/completions", ROLE, TEXT, FINISH, DONE),
    "completions": Parts(
        "/v1/completions", choice(b'"text": ""'), choice(b'"text": "yes"'), choice(b'"finish_reason": "stop"'), DONE
    ),
    "responses": Parts("/v1/responses", CREATED, DELTA, COMPLETED),
    "messages": Parts("/v1/messages", MESSAGE, BLOCK, STOP),
    "embeddings": Parts("/v1/embeddings"),
}
WHOLE = tuple((family, False) for family in PARTS)
STREAMED = tuple((family, True) for family, parts in PARTS.items() if parts.text)
CHUNKED = tuple((family, True) for family in ("chat", "completions"))  # OpenAI's data-only chunks, with their [DONE]


def request(family: str, streamed: bool, model: str = "m") -> bytes:
    fields = {"model": model, "stream": streamed, "input": "x", "messages": [], "prompt": "x", "max_tokens": 5}
    return post(PARTS[family].path, msgspec.json.encode(fields))


def good_body(family: str, streamed: bool) -> bytes:
    return PARTS[family].body if streamed else ANSWER


def good(family: str, streamed: bool) -> Script:
    """Answers well."""
    parts = PARTS[family]
    return stream(parts.before, parts.text, parts.last + parts.done) if streamed else whole(ANSWER)


def error_event(family: str, message: str = "it died") -> bytes:
    """An error inside a stream, as the family speaks."""
    if family == "messages":
        return (
            b'event: error\ndata: {"type":"error","error":{"type":"api_error","message":"%b"}}\n\n' % message.encode()
        )
    if family == "responses":
        return b'event: error\ndata: {"type":"error","code":"server_error","message":"%b"}\n\n' % message.encode()
    return b'data: {"error": {"message": "%b", "type": "InternalServerError", "code": 500}}\n\n' % message.encode()


def ping(family: str) -> bytes:
    return b'event: ping\ndata: {"type":"ping"}\n\n' if family in ("messages", "responses") else b": ping\n\n"
