"""The OpenAI dialect on the wire."""

import pytest

from backends.contract.adapter import Incoming, Origin, Wire
from backends.contract.endpoint_address import address
from backends.contract.families import FAMILIES, Family
from backends.contract.headers import NO_HEADERS, Headers, headers
from backends.contract.peek import peek
from backends.dialects.openai.openai import OpenAI
from backends.reply.chat_stream import ChatStream
from backends.reply.named_events import TypedStream
from backends.reply.whole_reply import Binary, Unexpected, WholeBody
from policies.vocabulary.types import Request

BY_NAME = {family.name: family for family in FAMILIES}
FORM = b"multipart/form-data; boundary=X"


def incoming(family: Family, body: bytes, given: Headers = NO_HEADERS) -> Incoming:
    peeked = peek(family, body, FORM)
    return Incoming(Request(family.name, peeked.model, peeked.stream, 1, 0.0), peeked, given)


def wire(adapter: OpenAI, body: bytes, name: str = "chat") -> Wire:
    return adapter.encode(incoming(BY_NAME[name], body, headers(openai_beta="b", anthropic_beta="b")))


def test_the_model_becomes_the_upstreams_name_and_nothing_else_moves() -> None:
    adapter = OpenAI("http://gpu:8000", 'org/"m"', {}, v1_in_root=False)
    assert wire(adapter, b'{"a": 1, "model" : "m", "b":{}}').body == b'{"a": 1, "model" : "org/\\"m\\"", "b":{}}'


def test_a_body_with_nothing_to_change_is_the_same_object() -> None:
    body = b'{"model":"m"}'
    assert wire(OpenAI("http://h", "m", {}, v1_in_root=False), body).body is body


def test_usage_is_asked_for_in_streams_of_chat_only() -> None:
    adapter = OpenAI("http://h", "m", {}, v1_in_root=False)
    streamed = b'{"model":"m","stream":true}'
    assert b"include_usage" in wire(adapter, streamed).body
    assert wire(adapter, streamed, "responses").body is streamed
    plain = b'{"model":"m","stream":false}'
    assert wire(adapter, plain).body is plain


def test_both_edits_of_one_body_land_where_they_should() -> None:
    adapter = OpenAI("http://h", "a-much-longer-name", {}, v1_in_root=False)
    for body, expected in (
        (
            b'{"model":"m","stream":true,"stream_options":{}}',
            b'{"model":"a-much-longer-name","stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            b'{"stream_options":null,"stream":true,"model":"m"}',
            b'{"stream_options":{"include_usage":true},"stream":true,"model":"a-much-longer-name"}',
        ),
        (
            b'{"model":"m","stream":true}',
            b'{"stream_options":{"include_usage":true},"model":"a-much-longer-name","stream":true}',
        ),
        (
            b'{"stream":true}',
            b'{"model":"a-much-longer-name","stream_options":{"include_usage":true},"stream":true}',
        ),
    ):
        assert wire(adapter, body).body == expected


def test_the_model_of_a_form_is_replaced_unescaped() -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--X--\r\n'
    sent = wire(OpenAI("http://h", 'a"b', {}, v1_in_root=False), body, "transcriptions").body
    assert sent == body.replace(b"\r\nm\r\n", b'\r\na"b\r\n')


def test_its_own_headers_come_first_and_answers_are_wanted_plain() -> None:
    adapter = OpenAI("http://user:pass@gpu:8000/x", "m", {"authorization": "Bearer k"}, v1_in_root=False)
    sent = wire(adapter, b'{"model":"m"}').headers
    assert sent.lines == (
        b"host: gpu:8000\r\naccept-encoding: identity\r\nauthorization: Bearer k\r\nopenai-beta: b\r\n"
    )


@pytest.mark.parametrize(
    ("root", "v1_in_root", "target"),
    [
        ("http://h", False, b"/v1/chat/completions"),
        ("http://h/", False, b"/v1/chat/completions"),
        ("http://h/x", False, b"/x/v1/chat/completions"),
        ("http://h/v1", True, b"/v1/chat/completions"),
        ("http://h/openai/v1/", True, b"/openai/v1/chat/completions"),
        ("http://h/api/v3", True, b"/api/v3/chat/completions"),
    ],
)
def test_the_target_is_the_root_and_the_path(root: str, v1_in_root: bool, target: bytes) -> None:
    assert wire(OpenAI(root, "m", {}, v1_in_root=v1_in_root), b'{"model":"m"}').target == target


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://h", Origin("h", 80, False)),
        ("https://h", Origin("h", 443, True)),
        ("https://h:8443/v1", Origin("h", 8443, True)),
        ("http://[::1]:8000", Origin("::1", 8000, False)),
    ],
)
def test_an_address_is_read(url: str, origin: Origin) -> None:
    assert address(url)[0] == origin


@pytest.mark.parametrize(
    "url", ["", "h:8000", "ftp://h", "http://", "http://:80", "//h", "http://h:99999", "http://h:x"]
)
def test_what_is_not_an_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        address(url)


@pytest.mark.parametrize(
    ("name", "streamed", "content_type", "kind"),
    [
        ("chat", True, b"text/event-stream; charset=utf-8", ChatStream),
        ("chat", True, b"Text/Event-Stream", ChatStream),
        ("chat", False, b"text/event-stream", Unexpected),
        ("chat", True, b"application/json", Unexpected),
        ("chat", True, b"text/html", Unexpected),
        ("completions", True, b"text/event-stream", ChatStream),
        ("responses", True, b"text/event-stream", TypedStream),
        ("responses", True, b"application/json", Unexpected),
        ("messages", False, b"text/event-stream", Unexpected),
        ("images", True, b"text/event-stream", TypedStream),
        ("images", True, b"application/json", WholeBody),
        ("speech", False, b"text/event-stream", TypedStream),
        ("chat", False, b"application/json", WholeBody),
        ("chat", False, b"", WholeBody),
        ("speech", False, b"audio/mpeg", Binary),
        ("speech", False, b"", Binary),
        ("speech", False, b"text/html", Unexpected),
        ("embeddings", False, b"application/json", WholeBody),
        ("embeddings", True, b"application/json", WholeBody),
    ],
)
def test_the_answers_reader_is_chosen_by_family_and_type(
    name: str, streamed: bool, content_type: bytes, kind: type
) -> None:
    adapter = OpenAI("http://h", "m", {}, v1_in_root=False)
    body = b'{"model":"m","stream":%b}' % (b"true" if streamed else b"false")
    assert type(adapter.decoder(incoming(BY_NAME[name], body), content_type)) is kind


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        (b"", True),
        (b',"stream_options":{"include_usage":false}', True),
        (b',"stream_options":{"include_usage":true}', False),
    ],
)
def test_usage_is_hidden_from_clients_that_did_not_ask(options: bytes, hidden: bool) -> None:
    adapter = OpenAI("http://h", "m", {}, v1_in_root=False)
    reader = adapter.decoder(
        incoming(BY_NAME["chat"], b'{"model":"m","stream":true%b}' % options), b"text/event-stream"
    )
    usage = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    assert reader.feed(usage) == (b"" if hidden else usage)
