"""Google's embeddings: each API's own call, and its vectors."""

import msgspec
import pytest

from backends.contract.dialect import Inexpressible
from backends.contract.embedding import Texts
from backends.dialects.google.dialect import Google
from policies.vocabulary.types import NO_USAGE, Usage
from tests.backends.dialects.google.exchange import VERTEX
from tests.emulators.google_model import embed


@pytest.mark.parametrize(
    ("resource", "model", "verb", "texts", "usage"),
    [
        ("", "gemini-embedding-001", "batchEmbedContents", ["one", "two"], NO_USAGE),
        (VERTEX, "text-embedding-005", "predict", ["one", "two words"], Usage(4, 0, 0, "upstream")),
        (VERTEX, "gemini-embedding-001", "predict", ["one"], Usage(1, 0, 0, "upstream")),
        (VERTEX, "gemini-embedding-2", "embedContent", ["one"], Usage(1, 0, 0, "upstream")),
    ],
)
def test_texts_become_vectors(resource: str, model: str, verb: str, texts: list[str], usage: Usage) -> None:
    dialect = Google(resource, vertex=bool(resource))
    written = dialect.write_texts(Texts(texts, 4), model)
    assert written.target.endswith(f"{model}:{verb}".encode())
    read = dialect.read_vectors(msgspec.json.encode(embed(verb, msgspec.json.decode(written.body))))
    assert [len(vector) for vector in read.vectors] == [4] * len(texts)
    assert read.usage == usage
    if len(texts) > 1:
        assert read.vectors[0] != read.vectors[1]


def test_the_use_is_told() -> None:
    assert b'"taskType":"RETRIEVAL_QUERY"' in Google().write_texts(Texts(["a"], kind="RETRIEVAL_QUERY"), "m").body
    assert (
        b'"task_type":"RETRIEVAL_QUERY"'
        in Google(VERTEX, vertex=True).write_texts(Texts(["a"], kind="RETRIEVAL_QUERY"), "m").body
    )


def test_one_text_at_a_time_where_the_model_takes_no_more() -> None:
    with pytest.raises(Inexpressible, match="one text"):
        Google(VERTEX, vertex=True).write_texts(Texts(["a", "b"]), "gemini-embedding-2")


@pytest.mark.parametrize("body", [b"{}", b"x", b'{"embeddings": 3}'])
def test_an_answer_without_vectors_is_malformed(body: bytes) -> None:
    with pytest.raises((ValueError, msgspec.DecodeError)):
        Google().read_vectors(body)
