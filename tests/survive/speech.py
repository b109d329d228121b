"""What upstreams say. Rule: the good answer of every endpoint family, in its parts, so that a fault can stand between.

A stream is ``before`` (no content yet), ``text`` (content), ``last`` (it is whole now), ``done`` (what else ends it).
"""

import msgspec

from backends.contract.families import FAMILIES
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
OTHERS = {family.name: family for family in FAMILIES if family.name not in PARTS}
SOUND = b"sound that is no text at all"
FORM = (
    b'--bound\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF\r\n'
    b'--bound\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--bound--\r\n'
)
CHUNKED = tuple((family, True) for family in ("chat", "completions"))  # OpenAI's data-only chunks, with their [DONE]


def request(family: str, streamed: bool, model: str = "m") -> bytes:
    if family in OTHERS and OTHERS[family].form:
        return post(OTHERS[family].paths[0], FORM, "content-type: multipart/form-data; boundary=bound")
    path = OTHERS[family].paths[0] if family in OTHERS else PARTS[family].path
    fields = {"model": model, "stream": streamed, "input": "x", "messages": [], "prompt": "x", "max_tokens": 5}
    return post(path, msgspec.json.encode(fields))


def good_body(family: str, streamed: bool) -> bytes:
    if family in OTHERS and OTHERS[family].binary:
        return SOUND
    return PARTS[family].body if streamed else ANSWER


def good(family: str, streamed: bool) -> Script:
    """Answers well."""
    if not streamed:
        binary = family in OTHERS and OTHERS[family].binary
        return whole(good_body(family, False), content_type="audio/mpeg" if binary else "application/json")
    parts = PARTS[family]
    return stream(parts.before, parts.text, parts.last + parts.done)


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
