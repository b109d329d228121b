"""YAML becomes data with lines; what is no YAML is one clear problem."""

from pathlib import Path

import pytest

from gateway.config.problem import ConfigError
from gateway.config.source import Source, read


@pytest.fixture
def source(tmp_path: Path):
    def source(text: str | bytes, **environ: str) -> Source:
        path = tmp_path / "c.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return read(path, environ)

    return source


def said(found: Source) -> list[tuple[int, tuple[str | int, ...], str]]:
    return [(problem.line, problem.path, problem.message) for problem in found.problems]


def test_every_path_knows_its_line(source):
    found = source("a:\n  b:\n    - 1\n    - {c: 2}\n")
    assert found.data == {"a": {"b": [1, {"c": 2}]}}
    assert found.lines == {(): 1, ("a",): 1, ("a", "b"): 2, ("a", "b", 0): 3, ("a", "b", 1): 4, ("a", "b", 1, "c"): 4}


def test_words_that_older_yaml_takes_for_something_else_stay_text(source):
    found = source("on: no\nyes: off\nt: 12:30\nd: 2024-01-31\n1: y\n")
    assert found.data == {"on": "no", "yes": "off", "t": "12:30", "d": "2024-01-31", "1": "y"}


def test_the_scalars_of_yaml_1_2_are_read(source):
    found = source("[true, False, null, ~, 7, -7, 1.5, 1e3, 'true', .inf, 010]".join(("x: ", "\n")))
    assert found.data == {"x": [True, False, None, None, 7, -7, 1.5, 1000.0, "true", ".inf", 10]}


def test_anchors_and_merges_work_and_own_keys_win(source):
    found = source("base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\nit: {<<: [*b, *o], x: 9}\nsame: *b\n")
    assert found.data["it"] == {"x": 9, "y": 2, "z": 4}
    assert found.data["same"] == {"x": 1, "y": 2}


def test_a_key_given_twice_is_a_problem_on_its_second_line(source):
    assert said(source("a: 1\nb: 2\na: 3\n")) == [(3, ("a",), "given twice; the first is on line 1")]


def test_a_variable_is_filled_in_alone_or_within_a_text(source):
    found = source('a: "${X}"\nb: pre-${X}-${Y}\n', X="1", Y="${X}")
    assert found.data == {"a": "1", "b": "pre-1-${X}"}
    assert found.originals == {("a",): "${X}", ("b",): "pre-${X}-${Y}"}


def test_an_unset_variable_is_named_with_its_line_and_nothing_else(source):
    (problem,) = source("a:\n  b: secret-${SET}-${UNSET}\n", SET="canary").problems
    assert (problem.line, problem.message) == (2, "environment variable UNSET is not set")


def test_every_unset_variable_of_a_text_is_named(source):
    (problem,) = source("a: ${X}${Y}${X}\n").problems
    assert problem.message == "environment variables X, Y are not set"


@pytest.mark.parametrize("text", ["${X:-default}", "${}", "${1X}", "${X"])
def test_a_variable_that_cannot_be_one_is_refused(source, text):
    (problem,) = source(f"a: '{text}'\n", X="1").problems
    assert "write ${NAME}" in problem.message


def test_a_file_stands_for_its_text(source, tmp_path: Path):
    (tmp_path / "key").write_text("s3cret\n")
    assert source(f"a: file:{tmp_path}/key\n").data == {"a": "s3cret"}


def test_a_file_that_cannot_be_read_is_a_problem(source, tmp_path: Path):
    (tmp_path / "big").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    names = ("absent", "", "big", "binary")
    messages = [source(f"a: file:{tmp_path}/{name}\n").problems[0].message for name in names]
    ends = ("is not a file", "is not a file", "is larger than 64 KiB", "is not UTF-8 text")
    assert all(message.endswith(end) for message, end in zip(messages, ends, strict=True))


def test_a_key_must_be_plain_text_and_a_tag_a_known_one(source):
    assert said(source("[a]: 1\nb: !secret x\nc: {<<: 5}\n")) == [
        (1, (), "a key must be plain text"),
        (2, ("b",), "the tag !secret is not supported here"),
        (3, ("c",), "<< merges mappings only"),
    ]


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join([f'*{before}'] * 10)}]\n" for before, after in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "empty"),
        ("# nothing\n", 1, "empty"),
        ("just words\n", 1, "key: value"),
        ("- a\n", 1, "key: value"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "not valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
        ("a: *nowhere\n", 1, "undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: 1\nb: \x07\n", 2, "control character"),
        (b"a: 1\nb: \xff\xfe\n", 2, "not UTF-8"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x80", 1, "not UTF-8"),
        ("a: 1\nb: &x [*x]\n", 2, "too deep"),
        ("&x {<<: *x}\n", 1, "nested too deeply"),
        ("a: " + "[" * 700, 1, "nested too deeply"),
        ("a: " + "[" * 100 + "]" * 100, 1, "too deep"),
        (BOMB, 1, "too large"),
        ("x" * (4 * 2**20 + 1), 0, "larger than 4 MiB"),
    ],
    ids=lambda value: None if isinstance(value, str | bytes) and len(value) > 30 else value,
)
def test_what_is_no_configuration_is_one_problem_with_its_line(source, text, line, words):
    with pytest.raises(ConfigError) as caught:
        source(text)
    (problem,) = caught.value.problems
    assert problem.line == line
    assert words in problem.message


def test_a_missing_file_and_a_directory_are_one_problem_each(tmp_path: Path):
    for path, words in (
        (tmp_path / "absent.yaml", "No such file"),
        (tmp_path, "directory"),
        (Path("a\0b"), "file name"),
    ):
        with pytest.raises(ConfigError, match=words):
            read(path, {})


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(source):
    found = source(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")
    assert found.data == {"a": 1, "b": 2}
    assert found.lines["b",] == 2
