"""Text completions: the only endpoint that gives back exactly what was sent, so fidelity is shown here."""

import openai
import pytest

PROMPT = "def clover():\n    return '☘ 四つ葉 ñ 👩‍🌾'"


@pytest.fixture
def client(client: openai.OpenAI) -> openai.OpenAI:
    """Not strict: the SDK's type has no null, which the first echoed token and an unfinished chunk hold."""
    return client.copy(_extra_kwargs={"_strict_response_validation": False})


def test_the_prompt_is_echoed_byte_for_byte(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="chat", prompt=PROMPT, max_tokens=4, echo=True, temperature=0)
    assert answer.choices[0].text.startswith(PROMPT)


def test_an_echo_survives_being_streamed(client: openai.OpenAI) -> None:
    """Characters of three and four bytes cross packets and events."""
    whole = client.completions.create(model="chat", prompt=PROMPT, max_tokens=8, echo=True, temperature=0)
    stream = client.completions.create(model="chat", prompt=PROMPT, max_tokens=8, echo=True, temperature=0, stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream if chunk.choices) == whole.choices[0].text


def test_several_prompts_are_answered_in_one_request(client: openai.OpenAI) -> None:
    prompts = ["import os", "import sys", "class Clover:"]
    answer = client.completions.create(model="chat", prompt=prompts, max_tokens=4, echo=True, temperature=0)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert all(choice.text.startswith(prompt) for choice, prompt in zip(answer.choices, prompts, strict=True))


def test_a_prompt_may_be_tokens(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="chat", prompt=[775, 587], max_tokens=4)
    assert answer.usage
    assert answer.usage.prompt_tokens == 2


def test_log_probabilities_cover_the_echoed_prompt(client: openai.OpenAI) -> None:
    answer = client.completions.create(
        model="chat", prompt="import os", max_tokens=2, echo=True, logprobs=2, temperature=0
    )
    logprobs = answer.choices[0].logprobs
    assert logprobs
    assert "".join(logprobs.tokens or []) == answer.choices[0].text
    assert logprobs.token_logprobs
    assert logprobs.token_logprobs[0] is None, "nothing comes before the first token"


def test_usage_is_streamed_only_to_a_client_that_asks(client: openai.OpenAI) -> None:
    create = client.completions.create
    asked = list(create(model="chat", prompt="x", max_tokens=2, stream=True, stream_options={"include_usage": True}))
    silent = list(create(model="chat", prompt="x", max_tokens=2, stream=True))
    assert asked[-1].usage
    assert all(chunk.usage is None and chunk.choices for chunk in silent)
