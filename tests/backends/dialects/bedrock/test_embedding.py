"""Embeddings by InvokeModel."""

import msgspec
import pytest

from backends.contract.dialect import Inexpressible
from backends.contract.embedding import Texts
from backends.dialects.bedrock.embedding import read_vectors, write_texts
from policies.vocabulary.types import NO_USAGE, Usage

V2 = "amazon.titan-embed-text-v2:0"


@pytest.mark.parametrize(
    ("model", "texts", "body", "dropped"),
    [
        (V2, Texts(["a"]), {"inputText": "a"}, ()),
        (V2, Texts(["a"], 256), {"inputText": "a", "dimensions": 256}, ()),
        ("amazon.titan-embed-text-v1", Texts(["a"], 256), {"inputText": "a"}, ("dimensions",)),
        (
            "cohere.embed-english-v3",
            Texts(["a", "b"]),
            {"texts": ["a", "b"], "input_type": "search_document", "embedding_types": ["float"]},
            (),
        ),
        (
            "cohere.embed-v4:0",
            Texts(["a"], 512, "search_query"),
            {"texts": ["a"], "input_type": "search_query", "embedding_types": ["float"], "output_dimension": 512},
            (),
        ),
    ],
)
def test_a_request(model: str, texts: Texts, body: object, dropped: tuple[str, ...]) -> None:
    written = write_texts(texts, model)
    assert msgspec.json.decode(written.body) == body
    assert written.dropped == dropped
    assert written.target == f"/model/{model.replace(':', '%3A')}/invoke".encode()


def test_titan_takes_one_text() -> None:
    with pytest.raises(Inexpressible, match="one text"):
        write_texts(Texts(["a", "b"]), V2)


def test_the_answers_of_each() -> None:
    titan = read_vectors(b'{"embedding":[1.0,0.5],"inputTextTokenCount":3,"embeddingsByType":{"float":[1.0]}}')
    assert titan.vectors == [[1.0, 0.5]] and titan.usage == Usage(3, 0, 0, "upstream")
    for body in (b'{"embeddings":[[1.0],[2.0]]}', b'{"embeddings":{"float":[[1.0],[2.0]]},"id":"x"}'):
        cohere = read_vectors(body)
        assert cohere.vectors == [[1.0], [2.0]] and cohere.usage == NO_USAGE


@pytest.mark.parametrize("body", [b"{}", b"x", b'{"embeddings":{"int8":[[1]]}}'])
def test_an_answer_without_vectors(body: bytes) -> None:
    with pytest.raises(ValueError):
        read_vectors(body)
