"""Multipart forms: found as upstreams find them, whatever the files hold."""

import pytest

from backends.contract.families import FAMILIES
from backends.contract.form import fields
from backends.contract.peek import BadBody, peek

TYPE = b"multipart/form-data; boundary=XX"
TRANSCRIPTIONS = next(family for family in FAMILIES if family.name == "transcriptions")
WANTED = (b"model", b"stream")


def part(disposition: bytes, value: bytes, *lines: bytes) -> bytes:
    head = b"".join(line + b"\r\n" for line in (b"Content-Disposition: form-data" + disposition, *lines))
    return b"--XX\r\n" + head + b"\r\n" + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


FILE = part(b'; name="file"; filename="a.wav"', b"RIFF\r\n\r\n\x00\xff", b"Content-Type: audio/wav")
MODEL = part(b'; name="model"', b"whisper")


def found(body: bytes, content_type: bytes = TYPE) -> dict[bytes, bytes]:
    return {name: body[slice(*at)] for name, at in fields(body, content_type, WANTED).items()}


@pytest.mark.parametrize("parts", [(MODEL, FILE), (FILE, MODEL), (FILE, MODEL, FILE)])
def test_the_model_is_found_before_and_after_files(parts: tuple[bytes, ...]) -> None:
    assert found(form(*parts)) == {b"model": b"whisper"}


@pytest.mark.parametrize(
    "disposition",
    [
        b'; name="model"',
        b"; name=model",
        b';name="model"',
        b'; NAME="model"',
        b'; filename="f.bin"; name="model"',
        b';  name="model" ',
    ],
)
def test_the_name_is_found_however_it_is_spelled(disposition: bytes) -> None:
    assert found(form(part(disposition, b"m"))) == {b"model": b"m"}


@pytest.mark.parametrize(
    "disposition",
    [
        b'; name="file"; filename="a; name=model"',
        b'; name="file"; filename="a\\"; name=\\"model"',
        b'; name="file"; filename=" name=model; x"',
        b'; name="models"',
        b'; name="my model"',
        b'; name="\\"model"',
        b'; xname="model"',
        b'; name="file"; name="model"',
        b"",
    ],
)
def test_another_name_is_not_taken_for_the_model(disposition: bytes) -> None:
    assert found(form(part(disposition, b"trap"), MODEL)) == {b"model": b"whisper"}


def test_another_header_is_not_taken_for_the_disposition() -> None:
    trap = part(b'; name="file"', b"trap", b'X-Note: content-disposition: form-data; name="model"')
    assert found(form(trap, MODEL)) == {b"model": b"whisper"}


@pytest.mark.parametrize("value", [b"", b"a", b"a\r\n", b"\r\n\r\n", b"a\r\n--X", b"--XX", b"a\n--XX\n", b"-- XX"])
def test_a_value_is_kept_to_the_byte(value: bytes) -> None:
    assert found(form(part(b'; name="model"', value), FILE)) == {b"model": value}


@pytest.mark.parametrize(
    "content", [b"a\r\n--XXY\r\nb", b"\r\n--XX \r\n", b"--XX\r\n", b"\r\n--XX-", MODEL[2:], b"\r\n--X" + MODEL]
)
def test_a_file_may_hold_what_looks_like_a_boundary(content: bytes) -> None:
    if content == b"--XX\r\n":
        content = b"x--XX\r\n"
    body = form(part(b'; name="file"; filename="f"', content), MODEL)
    assert found(body) == {b"model": b"whisper"}


def test_a_preamble_and_an_epilogue_are_passed_over() -> None:
    assert found(b"--XX is not it\r\n" + form(MODEL) + MODEL) == {b"model": b"whisper"}


@pytest.mark.parametrize(
    "content_type", [b'multipart/form-data; boundary="XX"', b"Multipart/Form-Data;charset=x;BOUNDARY=XX"]
)
def test_the_boundary_may_be_quoted(content_type: bytes) -> None:
    assert found(form(MODEL), content_type) == {b"model": b"whisper"}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (form(MODEL), b"multipart/form-data"),
        (form(MODEL), b"application/json"),
        (form(MODEL), b"multipart/form-data; xboundary=XX"),
        (form(MODEL), b"multipart/form-data; boundary=YY"),
        (b"", TYPE),
        (MODEL, TYPE),
        (MODEL + b"--XX", TYPE),
        (form(MODEL, MODEL), TYPE),
        (b"--XX\r\nContent-Disposition: form-data; name=model\r\n\r\n--XX--", TYPE),
        (b"--XX\r\nno blank line\r\n" + form(MODEL)[:0] + b"\r\n--XX--", TYPE),
    ],
)
def test_a_broken_form_is_refused(body: bytes, content_type: bytes) -> None:
    with pytest.raises(BadBody):
        peek(TRANSCRIPTIONS, body, content_type)


def test_a_model_can_be_put_into_a_form_without_one() -> None:
    body = form(FILE)
    peeked = peek(TRANSCRIPTIONS, body, TYPE)
    assert peeked.model == ""
    start, end = peeked.model_at
    given = body[:start] + b"new".join(peeked.model_wrap) + body[end:]
    assert peek(TRANSCRIPTIONS, given, TYPE).model == "new"
    assert given.endswith(body[end:])


@pytest.mark.parametrize(("value", "stream"), [(b"true", True), (b" True ", True), (b"false", False), (b"", False)])
def test_the_stream_flag_is_read(value: bytes, stream: bool) -> None:
    body = form(MODEL, part(b'; name="stream"', value))
    assert peek(TRANSCRIPTIONS, body, TYPE).stream is stream


def test_a_model_that_is_not_text_is_refused_or_replaced_but_never_a_crash() -> None:
    assert peek(TRANSCRIPTIONS, form(part(b'; name="model"', b"\xff")), TYPE).model == "\ufffd"


def test_a_large_file_full_of_near_boundaries_is_only_scanned() -> None:
    body = form(part(b'; name="file"; filename="f"', b"\r\n--X-" * 1_700_000), MODEL)
    assert len(body) > 10_000_000
    assert found(body) == {b"model": b"whisper"}


@pytest.mark.parametrize("body", [b"--XX--", b"--XX--\r\n", b"preamble\r\n--XX--\r\n", b"--XX--\r\n--XX\r\n\r\n\r\n"])
def test_a_form_without_any_field_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody, match="no field"):
        peek(TRANSCRIPTIONS, body, TYPE)


def test_a_model_is_put_in_after_a_preamble_that_looks_like_a_boundary() -> None:
    body = b"not --XX\r\n here\r\n" + form(FILE)
    peeked = peek(TRANSCRIPTIONS, body, TYPE)
    before, after = peeked.model_wrap
    spliced = body[: peeked.model_at[0]] + before + b"whisper" + after + body[peeked.model_at[1] :]
    assert found(spliced) == {b"model": b"whisper"}
