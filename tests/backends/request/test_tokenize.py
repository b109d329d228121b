"""Tokenize: what an engine is asked to count has the prompt in it, and nothing of the answer."""

import msgspec
import pytest

from backends.contract.headers import JSON
from backends.request.tokenize import answer, asking, question, salt, tokens
from policies.vocabulary.types import Request
from tests.facts import facts, facts_of


def test_the_prompts_fields_go_with_the_upstreams_name_and_no_others() -> None:
    body = b'{"model":"m", "messages":[{"role":"user","content":"a","x":1.50}],"max_tokens":9,"stream":true,"tools":[]}'
    asked = question("upstream-m", facts(body))
    assert msgspec.json.decode(asked) == {
        "model": "upstream-m",
        "messages": [{"role": "user", "content": "a", "x": 1.5}],
        "tools": [],
    }
    assert b"1.50" in asked, "what passes is not re-encoded"


def test_a_completions_prompt_goes_as_it_is() -> None:
    assert msgspec.json.decode(question("u", facts_of(prompt="a", n=2))) == {"model": "u", "prompt": "a"}


@pytest.mark.parametrize(
    ("status", "body", "count"),
    [
        (200, b'{"count": 7, "max_model_len": 9, "tokens": [1, 2]}', 7),
        (404, b'{"count": 7}', None),
        (200, b'{"tokens": [1]}', None),
        (200, b"<html>", None),
        (200, b'{"count": "many"}', None),
        (200, b"", None),
    ],
)
def test_what_is_no_count_is_none(status: int, body: bytes, count: int | None) -> None:
    assert answer(status, body) == count


def test_the_tokens_themselves_are_told_too() -> None:
    assert tokens(b'{"count": 2, "max_model_len": 9, "tokens": [4, 5], "token_strs": null}') == [4, 5]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"tokens": ["a"]}', b"\xff"])
def test_an_answer_without_tokens_tells_none(body: bytes) -> None:
    with pytest.raises(ValueError):
        tokens(body)


def test_a_salt_is_read_where_there_is_one() -> None:
    assert salt(facts_of(prompt="a", cache_salt="s")) == "s"
    assert salt(facts_of(cache_salt=None)) == salt(facts_of()) == ""
    with pytest.raises(ValueError):
        salt(facts_of(cache_salt=7))


def test_an_engine_is_told_that_it_is_sent_json() -> None:
    """vLLM answers 415 otherwise."""
    asked = asking(Request("chat", "public", True, 1, 0.0), facts_of(model="public", prompt="a"), "u")
    assert (asked.facts.family.name, asked.headers) == ("tokenize", JSON)
    assert msgspec.json.decode(asked.facts.body) == {"model": "u", "prompt": "a"}
