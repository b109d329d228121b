"""Chat completions of real engines, through the gateway, read by the official SDK."""

from collections.abc import Iterable

import openai
from openai.types.chat import ChatCompletionChunk

from tests.engine.prompts import HELLO, long_prompt


def text_of(chunks: Iterable[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


def test_an_answer_names_the_engines_model_and_counts_its_tokens(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=8, extra_body={"ignore_eos": True})
    assert answer.model == "tiny"
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage
    assert answer.usage.completion_tokens == 8
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 8


def test_a_stream_says_what_the_whole_answer_says(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=32, temperature=0)
    chunks = list(
        client.chat.completions.create(model="chat", messages=HELLO, max_tokens=32, temperature=0, stream=True)
    )
    assert text_of(chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(chunks) > 8, "the answer came in pieces"


def test_usage_ends_the_stream_of_a_client_that_asks(client: openai.OpenAI) -> None:
    options = {"include_usage": True}
    stream = client.chat.completions.create(
        model="chat", messages=HELLO, max_tokens=4, stream=True, stream_options=options, extra_body={"ignore_eos": True}
    )
    *answer, last = stream
    assert not last.choices
    assert last.usage
    assert last.usage.completion_tokens == 4
    assert all(chunk.usage is None for chunk in answer)


def test_usage_is_kept_from_a_client_that_does_not_ask(client: openai.OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="chat", messages=HELLO, max_tokens=4, stream=True))
    assert all(chunk.choices for chunk in chunks)
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_on_every_chunk_reaches_a_client_that_wants_it(client: openai.OpenAI) -> None:
    """`continuous_usage_stats` is the engine's own option: the gateway keeps it beside the one it adds."""
    options = {"include_usage": True, "continuous_usage_stats": True}
    body = {"stream_options": options, "ignore_eos": True}
    chunks = list(
        client.chat.completions.create(model="chat", messages=HELLO, max_tokens=4, stream=True, extra_body=body)
    )
    counted = [chunk.usage.completion_tokens for chunk in chunks if chunk.usage]
    assert len(counted) == len(chunks)
    assert counted == sorted(counted)
    assert counted[-1] == 4


def test_log_probabilities_come_with_their_rivals(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="chat", messages=HELLO, max_tokens=3, temperature=0, logprobs=True, top_logprobs=4
    )
    assert answer.choices[0].logprobs
    assert answer.choices[0].logprobs.content
    for token in answer.choices[0].logprobs.content:
        assert len(token.top_logprobs) == 4
        assert token.logprob == max(rival.logprob for rival in token.top_logprobs), "greedy takes the likeliest"


def test_log_probabilities_of_a_stream_are_those_of_the_whole_answer(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=4, temperature=0, logprobs=True)
    chunks = list(
        client.chat.completions.create(
            model="chat", messages=HELLO, max_tokens=4, temperature=0, logprobs=True, stream=True
        )
    )
    parts = [choice.logprobs.content or [] for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert whole.choices[0].logprobs
    assert whole.choices[0].logprobs.content
    assert [token.token for part in parts for token in part] == [t.token for t in whole.choices[0].logprobs.content]


def test_two_choices_come_whole(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=8, n=2, temperature=1, seed=1)
    assert [choice.index for choice in answer.choices] == [0, 1]
    assert answer.choices[0].message.content != answer.choices[1].message.content


def test_two_choices_come_interleaved_in_one_stream(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="chat", messages=HELLO, max_tokens=8, n=2, temperature=1, seed=1)
    chunks = list(
        client.chat.completions.create(
            model="chat", messages=HELLO, max_tokens=8, n=2, temperature=1, seed=1, stream=True
        )
    )
    assert [text_of(chunks, index) for index in (0, 1)] == [choice.message.content for choice in whole.choices]
    ends = [choice.index for chunk in chunks for choice in chunk.choices if choice.finish_reason]
    assert sorted(ends) == [0, 1]


def test_a_prompt_asked_again_is_found_in_an_engines_cache(client: openai.OpenAI) -> None:
    """Two engines take turns, so the third asking meets one that has seen it."""
    messages = [{"role": "user", "content": long_prompt(600)}]
    asked = [client.chat.completions.create(model="chat", messages=messages, max_tokens=1) for _ in range(3)]
    cached = [
        answer.usage.prompt_tokens_details.cached_tokens
        for answer in asked
        if answer.usage and answer.usage.prompt_tokens_details
    ]
    assert cached[0] == 0
    assert max(cached) > 500


def test_a_conversation_with_every_role_is_answered(client: openai.OpenAI) -> None:
    messages = [
        {"role": "system", "content": "Résumé ☘ 四つ葉"},
        *HELLO,
        {"role": "assistant", "content": "import sys"},
        {"role": "user", "content": [{"type": "text", "text": "and then?"}]},
    ]
    answer = client.chat.completions.create(model="chat", messages=messages, max_tokens=4)
    assert answer.choices[0].finish_reason in {"length", "stop"}
