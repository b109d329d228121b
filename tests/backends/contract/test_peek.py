"""Peek: what is read of a JSON body, and what is refused."""

import msgspec
import pytest

from backends.contract.families import FAMILIES
from backends.contract.peek import BadBody, peek

CHAT, _, EMBEDDINGS = FAMILIES[:3]
JSON = b"application/json"


def model_of(body: bytes) -> bytes:
    """The bytes that stand where the peek says the model is."""
    peeked = peek(CHAT, body, JSON)
    return body[slice(*peeked.model_at)]


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (b'{"model":"a"}', b"a"),
        (b'{"model": "a/b-c.d"}', b"a/b-c.d"),
        (b'{"model"\n\t :\r\n "a"}', b"a"),
        (b'{"mod\\u0065l":"a"}', b"a"),
        (b'{"\\u006D\\u006f\\u0064\\u0065\\u006c":"a"}', b"a"),
        (b'{"model":"\\u0061"}', b"\\u0061"),
        (b'{"model":"a\\"b"}', b'a\\"b'),
        ('{"model":"modèle"}'.encode(), "modèle".encode()),
        (b'{"metadata":{"model":"no"},"model":"yes"}', b"yes"),
        (b'{"model":"yes","tools":[{"model":"no"}]}', b"yes"),
        (b'{"user":"model","model":"yes"}', b"yes"),
        (b'{"user":"say \\"model\\":\\"no\\"","model":"yes"}', b"yes"),
        (b'{"x":{"mod\\u0065l":"no"},"model":"yes"}', b"yes"),
        (b'  \n{"model":"a"}\n', b"a"),
        (b'{"model":"a","x":[1,{"y":"}"}],"caf\\u00e9":2}', b"a"),
    ],
)
def test_the_model_is_found_where_it_stands(body: bytes, raw: bytes) -> None:
    assert model_of(body) == raw


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","model":"a"}',
        b'{"model":"a","mod\\u0065l":"b"}',
        b'{"model":"a","model":null}',
        b'{"model":null,"model":"a"}',
        b'{"model":null,"mod\\u0065l":null}',
        b'{"mod\\u0065l":"a","x":1,"model":"a much longer one"}',
        b'{"model":"a much longer one","x":1,"model":"a"}',
        b'{"model":"a","model":"a name so long that it reaches the next","x":"y","z":{}}',
        b'{"model":"a" , "x":"\\"" , "model":"b" , "y":[] }',
        b'{"model":"a","x":{"model":"c"},"model":"b"}',
    ],
)
def test_a_model_given_twice_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody, match="twice") as refused:
        peek(CHAT, body, JSON)
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    "body", [b"{}", b" { } ", b'{"Model":"a"}', b'{"x":{"model":"a"}}', b'{"model ":"a"}', b'{"model":null,"a":1}']
)
def test_a_missing_model_is_empty_and_can_be_put_in(body: bytes) -> None:
    peeked = peek(CHAT, body, JSON)
    assert peeked.model == ""
    start, end = peeked.model_at
    given = body[:start] + b"new".join(peeked.model_wrap) + body[end:]
    assert msgspec.json.decode(given) == {**msgspec.json.decode(body), "model": "new"}


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(BadBody, match="'model'") as refused:
        peek(CHAT, b'{"model":""}', JSON)
    assert refused.value.param == "model"


@pytest.mark.parametrize("value", [b"1", b"[]", b'{"a":1}', b"true"])
def test_a_model_that_is_no_string_is_named(value: bytes) -> None:
    with pytest.raises(BadBody, match="model") as refused:
        peek(CHAT, b'{"model":%b}' % value, JSON)
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("field", "value"),
    [("stream", b'"true"'), ("stream", b"1"), ("stream_options", b"true"), ("stream_options", b"[]")],
)
def test_a_stream_field_of_the_wrong_type_is_named(field: str, value: bytes) -> None:
    with pytest.raises(BadBody) as refused:
        peek(CHAT, b'{"model":"a","%b":%b}' % (field.encode(), value), JSON)
    assert refused.value.param == field


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b'"model"',
        b"[]",
        b'[{"model":"a"}]',
        b'{"model":"a"',
        b'{"model":"a"}}',
        b'{"model":"a"}{"model":"b"}',
        b'{"model":"a",}',
        b"{'model':'a'}",
        b'{"model":"a","x":NaN}',
        b'{"model":"a","x":Infinity}',
        b'{"model":"a","x":"\x01"}',
        b'\xef\xbb\xbf{"model":"a"}',
        b'{"model":"\xff"}',
        b'{"model":"a\\u00e9","\xff":1}',
        b'{"model":"\\ud800"}',
        '{"model":"a"}'.encode("utf-16"),
        b"model=a",
    ],
)
def test_what_is_not_a_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        peek(CHAT, body, JSON)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_deep_nesting_is_refused_and_not_a_crash(opening: bytes, depth: int) -> None:
    closing = b"]" if opening == b"[" else b"}"
    for key in (b"x", b"stream_options", b"\\u0078"):
        with pytest.raises(BadBody):
            peek(CHAT, b'{"model":"a","stream":true,"%b":%b1%b}' % (key, opening * depth, closing * depth), JSON)


def test_nesting_just_within_the_limit_never_crashes_later() -> None:
    """The walk runs a frame deeper than the first read: what the one bears, the other may not."""
    for depth in range(700, 1000):
        body = b'{"m\\u006fdel":"a","stream":true,"x":%b%b}' % (b"[" * depth, b"]" * depth)
        try:
            peek(CHAT, body, JSON)
        except BadBody:
            return
    raise AssertionError("no limit was met")


@pytest.mark.parametrize(
    ("body", "raw"),
    [
        (b'{"model":"a","stream":true}', b""),
        (b'{"model":"a","stream":true,"stream_options":null}', b"null"),
        (b'{"model":"a","stream":true,"stream_options" : {} }', b"{}"),
        (b'{"model":"a","stream":true,"x":{"stream_options":{}}}', b""),
        (b'{"model":"a","stream":true,"stream_\\u006fptions":{"b":1}}', b'{"b":1}'),
    ],
)
def test_the_stream_options_are_found_where_they_stand(body: bytes, raw: bytes) -> None:
    peeked = peek(CHAT, body, JSON)
    assert body[slice(*peeked.options_at)] == raw
    assert peeked.options_at[0] > 0


def test_stream_options_given_twice_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(BadBody, match="twice"):
        peek(CHAT, b'{"model":"a","stream":true,"stream_options":{"include_usage":true},"stream_options":null}', JSON)


@pytest.mark.parametrize(("value", "stream"), [(b"true", True), (b"false", False), (b"null", False)])
def test_the_stream_flag_is_read(value: bytes, stream: bool) -> None:
    assert peek(CHAT, b'{"model":"a","stream":%b}' % value, JSON).stream is stream
    assert peek(EMBEDDINGS, b'{"model":"a","stream":%b}' % value, JSON).stream is stream


@pytest.mark.parametrize(
    "body",
    [
        b'{"models":["a"]}',
        b'{"provider":{},"priority":1}',
        b'{"model":"a","provider":{},"x":1,"x":2}',
        b'{"model":"a","provider":{},"\xc5":1}',
    ],
)
def test_steering_that_could_not_be_taken_out_is_refused_before_anything_is_sent(body: bytes) -> None:
    with pytest.raises(BadBody):
        peek(CHAT, body, JSON)
