"""Fields the gateway has never heard of. Rule: each test shows the engine acting on one, not merely accepting it."""

from typing import Any

import openai
import pytest

from tests.engine.prompts import HELLO
from tests.engine.vllm import END_TOKEN


def ask(client: openai.OpenAI, *, temperature: float = 0, max_tokens: int = 12, **fields: Any) -> Any:
    answer = client.chat.completions.create(
        model="chat", messages=HELLO, max_tokens=max_tokens, temperature=temperature, extra_body=fields
    )
    return answer.choices[0]


@pytest.mark.parametrize("field", [{"top_k": 1}, {"min_p": 1.0}], ids=["top_k", "min_p"])
def test_a_sampling_field_of_the_engines_own_makes_a_hot_model_greedy(client: openai.OpenAI, field: Any) -> None:
    greedy = ask(client).message.content
    assert ask(client, temperature=2, seed=3, **field).message.content == greedy
    assert ask(client, temperature=2, seed=3).message.content != greedy


def test_ignore_eos_keeps_an_engine_going_that_wants_to_stop(client: openai.OpenAI) -> None:
    wants_to_stop = {"logit_bias": {str(END_TOKEN): 100}}
    assert ask(client, **wants_to_stop).finish_reason == "stop"
    assert ask(client, **wants_to_stop, ignore_eos=True).finish_reason == "length"


def test_structured_outputs_choose_among_given_words(client: openai.OpenAI) -> None:
    assert ask(client, structured_outputs={"choice": ["Oslo", "Rome"]}).message.content in ("Oslo", "Rome")


def test_a_field_of_the_engines_own_adds_to_the_answer(client: openai.OpenAI) -> None:
    assert len(ask(client, return_token_ids=True, ignore_eos=True).token_ids) == 12


def test_a_bad_value_in_an_engines_own_field_is_refused_in_the_engines_words(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="top_k must be"):
        ask(client, top_k=-5)


def test_a_field_nobody_knows_harms_nobody(client: openai.OpenAI) -> None:
    assert ask(client, a_field_from_the_future={"deep": [1, 2]}).message.content
