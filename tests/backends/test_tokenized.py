"""Tokenized: what is asked of /tokenize is what shapes the prompt, under the engine's own name, and nothing else."""

import msgspec
import pytest

from backends import tokenized
from backends.tokenized import LARGEST, question, salt, tokens

CHAT = {
    "model": "public", "messages": [{"role": "user", "content": "Hi \u2764", "name": "x"}], "stream": True,
    "tools": [{"type": "function", "function": {"name": "f"}}], "temperature": 1, "chat_template_kwargs": {"a": [1]},
    "add_generation_prompt": False, "continue_final_message": True, "max_tokens": 3, "cache_salt": "s",
}  # fmt: skip


def asked(body: object) -> object:
    said = question(msgspec.json.encode(body), "engine")
    return msgspec.json.decode(said) if isinstance(said, bytes) else said


def test_a_conversation_is_asked_with_all_that_its_template_reads() -> None:
    kept = ("messages", "tools", "chat_template_kwargs", "add_generation_prompt", "continue_final_message")
    assert asked(CHAT) == {"model": "engine", **{key: CHAT[key] for key in kept}}


def test_a_prompt_is_asked_as_it_is() -> None:
    assert asked({"prompt": "Once", "add_special_tokens": False, "n": 2}) == {
        "model": "engine", "prompt": "Once", "add_special_tokens": False,
    }  # fmt: skip


def test_a_prompt_in_tokens_needs_no_asking() -> None:
    assert asked({"prompt": [5, 6, 7]}) == [5, 6, 7]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"input": "x"}', b'{"prompt": ["a", "b"]}', b'{"prompt": [[1], [2]]}', b"\xff", b"[" * 5000],
)
def test_what_is_no_single_prompt_cannot_be_asked(body: bytes) -> None:
    assert question(body, "m") is None


def test_a_very_long_prompt_is_not_asked() -> None:
    assert question(b'{"prompt": "' + b"x" * LARGEST + b'"}', "m") is None


def test_a_salt_is_read_where_there_is_one() -> None:
    assert salt(msgspec.json.encode(CHAT)) == "s"
    assert salt(b'{"cache_salt": null}') == salt(b"{}") == ""


def test_a_reply_is_its_tokens() -> None:
    assert tokens(b'{"count": 2, "max_model_len": 9, "tokens": [4, 5], "token_strs": null}') == [4, 5]


@pytest.mark.parametrize("reply", [b"", b"{}", b'{"tokens": ["a"]}', b"\xff"])
def test_any_other_reply_is_none(reply: bytes) -> None:
    with pytest.raises(ValueError):
        tokenized.tokens(reply)
