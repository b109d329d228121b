"""Splice: edits in place."""

import pytest

from backends.contract.families import FAMILIES
from backends.contract.peek import peek
from backends.request.splice import ask_for_usage, json_string, splice


def asked(body: bytes) -> bytes:
    return splice(body, ask_for_usage(peek(FAMILIES[0], body, b"")))


def test_no_edit_leaves_the_same_object() -> None:
    body = b"body"
    assert splice(body, []) is body


def test_edits_are_made_in_any_order_and_may_only_insert() -> None:
    assert splice(b"0123456789", [((8, 9), b"X"), ((2, 4), b""), ((5, 5), b"+")]) == b"014+567X9"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"stream":true,"model":"a"}', b'{"stream_options":{"include_usage":true},"stream":true,"model":"a"}'),
        (b' { "model":"a","stream":true}', b' {"stream_options":{"include_usage":true}, "model":"a","stream":true}'),
        (
            b'{"model":"a","stream":true,"stream_options":null}',
            b'{"model":"a","stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            b'{"model":"a","stream":true,"stream_options": {} , "x":1}',
            b'{"model":"a","stream":true,"stream_options": {"include_usage":true} , "x":1}',
        ),
        (
            b'{"model":"a","stream":true,"stream_options":{"include_usage":false}}',
            b'{"model":"a","stream":true,"stream_options":{"include_usage":true}}',
        ),
        (
            b'{"stream_options":{"continuous_usage_stats":true},"model":"a","stream":true}',
            b'{"stream_options":{"continuous_usage_stats":true,"include_usage":true},"model":"a","stream":true}',
        ),
    ],
)
def test_usage_is_asked_for(before: bytes, after: bytes) -> None:
    assert asked(before) == after


def test_a_body_that_asks_for_usage_is_the_same_object() -> None:
    body = b'{"model":"a","stream":true,"stream_options":{"include_usage":true}}'
    assert asked(body) is body


@pytest.mark.parametrize(("text", "escaped"), [("a/b", b"a/b"), ('a"b\\', b'a\\"b\\\\'), ("é\n", "é\\n".encode())])
def test_a_name_is_escaped_as_json(text: str, escaped: bytes) -> None:
    assert json_string(text) == escaped
