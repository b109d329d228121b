"""Whole answers: held until they are whole."""

import pytest

from backends.reply.whole_reply import MAX_BODY, Binary, Unexpected, WholeBody
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import NO_USAGE, Usage


def read(*chunks: bytes, json: bool = True) -> tuple[WholeBody, bytes]:
    body = WholeBody(json)
    assert all(body.feed(chunk) == b"" for chunk in chunks)
    assert not body.committed
    return body, body.close()


def test_an_answer_commits_when_it_is_whole() -> None:
    body, out = read(b'{"choices":[],', b'"usage":{"prompt_tokens":3,"completion_tokens":4}}')
    assert out == b'{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}'
    assert (body.committed, body.fault, body.usage) == (True, None, Usage(3, 4, 0, "upstream"))


def test_an_answer_that_came_at_once_leaves_as_the_same_object() -> None:
    chunk = b'{"choices":[]}'
    assert read(chunk)[1] is chunk


@pytest.mark.parametrize("answer", [b"{}", b" [] ", b'""', b"null"])
def test_an_answer_that_holds_nothing_is_malformed(answer: bytes) -> None:
    body, _ = read(answer)
    assert body.fault is not None and body.fault.failure is Failure.MALFORMED


def test_an_answer_without_end_is_malformed() -> None:
    body = WholeBody(True)
    chunk = bytes(2**20)  # one object, so that it costs no memory
    while body.fault is None:
        assert body.feed(chunk) == b""
    assert body.fault.failure is Failure.MALFORMED and str(MAX_BODY) in body.fault.message


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b'{"choices":[]}', Failure.MALFORMED),
        (b"", Failure.MALFORMED),
        (b'{"error":{"message":"slow","code":429}}', Failure.RATE_LIMITED),
    ],
)
def test_an_answer_of_another_kind_is_malformed_unless_it_is_an_error(answer: bytes, failure: Failure) -> None:
    body = Unexpected("not a stream", "a stream")
    assert body.feed(answer[:9]) + body.feed(answer[9:]) + body.close() == b""
    assert body.fault is not None and (body.fault.failure, body.committed) == (failure, False)


def test_a_stream_that_nobody_asked_for_is_not_waited_for() -> None:
    body = Unexpected("a stream", "a complete answer")
    body.feed(b"data: {}")
    assert body.fault is not None and body.fault.failure is Failure.MALFORMED


@pytest.mark.parametrize("chunks", [(), (b"",), (b" \n", b" ")])
@pytest.mark.parametrize("json", [True, False])
def test_an_empty_answer_is_malformed(chunks: tuple[bytes, ...], json: bool) -> None:
    body, _ = read(*chunks, json=json)
    assert body.fault is not None and body.fault.failure is Failure.MALFORMED
    assert not body.committed


@pytest.mark.parametrize(
    "answer",
    [b"<html>", b'{"choices":[', b"{}{}", b'{"a":NaN}', b"7", b"null", b"[" * 100_000, b'{"x":"\xff"', b"\xff"],
)
def test_what_is_not_json_is_malformed(answer: bytes) -> None:
    body, _ = read(answer)
    assert body.fault is not None and body.fault.failure is Failure.MALFORMED


@pytest.mark.parametrize("answer", [b"hello\n", b"1\n00:00:00 --> 00:00:01\nhi\n", b"{"])
def test_text_has_no_shape_to_check(answer: bytes) -> None:
    body, out = read(answer, json=False)
    assert (body.committed, out) == (True, answer)


@pytest.mark.parametrize(
    ("answer", "failure", "message"),
    [
        (b'{"error":{"message":"busy","type":"overloaded_error"}}', Failure.OVERLOADED, "busy"),
        (b'{"error":{"message":"slow","code":429}}', Failure.RATE_LIMITED, "slow"),
        (b'{"error":{"message":"died","code":"500"}}', Failure.SERVER_ERROR, "died"),
        (b'{"error":"it broke"}', Failure.SERVER_ERROR, "it broke"),
        (b'{"usage":"odd","error":{"message":"died"}}', Failure.SERVER_ERROR, "died"),
    ],
)
def test_an_error_inside_a_200_is_a_fault(answer: bytes, failure: Failure, message: str) -> None:
    body, _ = read(answer)
    assert body.fault is not None
    assert (body.fault.failure, body.fault.message, body.committed) == (failure, message, False)


@pytest.mark.parametrize(
    "answer",
    [
        b'{"id":"resp_1","error":null}',
        b'{"error":""}',
        b'{"output":[{"error":{"message":"within"}}]}',
        b"[[0.1,0.2]]",
        b'"text"',
        b'{"usage":"odd"}',
        b'{"usage":[1],"error":null}',
    ],
)
def test_an_answer_of_any_other_shape_is_an_answer(answer: bytes) -> None:
    body, out = read(answer)
    assert (body.fault, out, body.usage) == (None, answer, NO_USAGE)


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (b'{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}', Usage(5, 7, 0, "upstream")),
        (b'{"prompt_tokens":5,"total_tokens":5}', Usage(5, 0, 0, "upstream")),
        (b'{"prompt_tokens":5,"prompt_tokens_details":{"cached_tokens":3}}', Usage(5, 0, 3, "upstream")),
        (b'{"prompt_tokens":5,"prompt_tokens_details":null}', Usage(5, 0, 0, "upstream")),
        (
            b'{"input_tokens":5,"output_tokens":7,"input_tokens_details":{"cached_tokens":2}}',
            Usage(5, 7, 2, "upstream"),
        ),
        (
            b'{"input_tokens":5,"cache_creation_input_tokens":10,"cache_read_input_tokens":20,"output_tokens":7}',
            Usage(35, 7, 20, "upstream", cache_write=10),
        ),
        (b'{"total_tokens":9}', Usage(9, 0, 0, "upstream")),
        (b'{"type":"duration","seconds":3}', NO_USAGE),
        (b"{}", NO_USAGE),
        (b"null", NO_USAGE),
    ],
)
def test_usage_is_read_as_each_api_spells_it_and_never_invented(usage: bytes, counted: Usage) -> None:
    assert read(b'{"usage":%b}' % usage)[0].usage == counted


def test_audio_commits_on_its_first_byte_and_passes_as_the_same_object() -> None:
    audio, chunk = Binary(), b"ID3"
    assert audio.feed(chunk) is chunk
    assert audio.committed
    assert (audio.close(), audio.fault) == (b"", None)


def test_audio_without_a_byte_is_malformed() -> None:
    audio = Binary()
    assert audio.close() == b""
    assert audio.fault is not None and audio.fault.failure is Failure.MALFORMED
