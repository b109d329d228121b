"""Encodings: exact with tiktoken's own file, and without it an honest no; the network is never asked."""

from hashlib import sha1
from pathlib import Path

import pytest

from backends.contract.facts import Facts
from backends.request.tiktoken_counter import Encodings, Uncountable
from gateway.config.tokenizers import folder
from tests.facts import facts, facts_of

URL = "https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"
RANKS = folder() / sha1(URL.encode(), usedforsecurity=False).hexdigest()
here = pytest.mark.skipif(not RANKS.is_file(), reason="tiktoken's o200k_base is not on this machine")


def chat(*contents: object, **fields: object) -> Facts:
    return facts_of(model="m", messages=[{"role": "user", "content": content} for content in contents], **fields)


@here
def test_a_chat_counts_as_openai_documents_it() -> None:
    """3 a message and 3 for the reply, beside its words."""
    encodings = Encodings(folder())
    assert encodings.count(chat("hello world"), "gpt-4o-mini") == 3 + 1 + 2 + 3
    assert encodings.count(chat("hello world", "hello"), "gpt-4o") == 2 * (3 + 1) + 2 + 1 + 3
    assert encodings.count(chat([{"type": "text", "text": "hello world"}]), "gpt-4o") == 9
    assert encodings.count(facts_of(prompt="hello world"), "gpt-4o") == 2


def test_what_is_counted_of_a_chat_is_its_text_and_its_template() -> None:
    """With an encoding of a token a letter."""
    encodings = Encodings(Path("/nowhere"))
    encodings._read["o200k_base"] = len
    named = facts_of(messages=[{"role": "user", "content": "hi", "name": "ann"}])
    assert encodings.count(chat("hi", [{"type": "text", "text": "you"}]), "gpt-4o") == 2 * (3 + 4) + 2 + 3 + 3
    assert encodings.count(named, "gpt-4o") == 3 + 4 + 2 + 3 + 1 + 3
    assert encodings.count(facts_of(prompt="hello"), "gpt-4o") == 5
    with pytest.raises(Uncountable, match="image_url"):
        encodings.count(chat([{"type": "image_url"}]), "gpt-4o")


@here
def test_what_looks_like_a_special_token_is_text() -> None:
    assert Encodings(folder()).count(chat("<|endoftext|>"), "gpt-4o") > 8


def test_without_its_file_there_is_no_count_and_nothing_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(Uncountable, match="the ranks of o200k_base are not at"):
        Encodings(tmp_path).count(chat("hello"), "gpt-4o")


def test_a_file_that_is_not_what_tiktoken_expects_is_as_good_as_none(tmp_path: Path) -> None:
    (tmp_path / RANKS.name).write_bytes(b"aGk= 1\n")
    with pytest.raises(Uncountable, match="are not at"):
        Encodings(tmp_path).count(chat("hello"), "gpt-4o")
    assert (tmp_path / RANKS.name).exists(), "tiktoken itself would have removed it, and fetched another"


@pytest.mark.parametrize(
    ("body", "model", "why"),
    [
        (chat("a"), "claude-x", "tiktoken does not know the model"),
        (chat("a"), "davinci", "encoding r50k_base is not supported"),
        (chat("a", tools=[{"type": "function"}]), "gpt-4o", "tools and schemas"),
        (chat([{"type": "image_url", "image_url": {"url": "x"}}]), "gpt-4o", "image_url|are not at"),
        (chat(7), "gpt-4o", "not plain text"),
        (facts(chat("a").body.replace(b'"a"', b'"\xff"')), "gpt-4o", "not plain text"),
        (
            facts_of(messages=[{"role": "tool", "content": "a", "tool_call_id": "1"}]),
            "gpt-4o",
            "not plain",
        ),
    ],
)
def test_what_cannot_be_counted_says_why(body: Facts, model: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(Uncountable, match=why):
        Encodings(tmp_path).count(body, model)
