"""The continuation request: the client's own, with the text behind it and less left to say."""

from typing import Any

import msgspec

from backends.recover.continuation import continuation
from tests.backends.recover.test_continuation_constraints import CHAT
from tests.facts import facts_of

TEXT = 'so "far" é'


def made(family: str, fields: dict[str, Any], most: int | None = None, least: int | None = None) -> dict[str, Any]:
    body = continuation(facts_of(family, **fields), TEXT, most, least)
    decoded: dict[str, Any] = msgspec.json.decode(body)
    return decoded


def test_a_chat_gets_an_open_last_message() -> None:
    assert made("chat", {**CHAT, "vendor": {"x": [1]}}) == {
        **CHAT,
        "vendor": {"x": [1]},
        "messages": [*CHAT["messages"], {"role": "assistant", "content": TEXT}],
        "continue_final_message": True,
        "add_generation_prompt": False,
    }


def test_a_clients_own_open_message_grows() -> None:
    open = {"role": "assistant", "content": "Well, ", "name": "a"}
    asked = {**CHAT, "messages": [*CHAT["messages"], open], "continue_final_message": True}
    assert made("chat", asked)["messages"] == [*CHAT["messages"], {**open, "content": "Well, " + TEXT}]


def test_words_in_a_prompt_are_not_flags() -> None:
    asked = {"model": "m", "messages": [{"role": "user", "content": '"continue_final_message"'}]}
    assert len(made("chat", asked)["messages"]) == 2


def test_a_completions_prompt_grows() -> None:
    assert made("completions", {"model": "m", "prompt": "é\n"}, 3)["prompt"] == "é\n" + TEXT


def test_each_limit_that_was_given_shrinks() -> None:
    both = made("chat", {**CHAT, "max_tokens": 9, "max_completion_tokens": 9, "min_tokens": 4}, 5, 1)
    assert (both["max_tokens"], both["max_completion_tokens"], both["min_tokens"]) == (5, 5, 1)
    assert made("completions", {"model": "m", "prompt": "x"}, 5)["max_tokens"] == 5
    assert "max_tokens" not in made("chat", CHAT)
