"""Vectors, scores and ranks, from an engine that makes them; a clean refusal from those that cannot."""

import math

import httpx
import openai
import pytest


def test_a_vector_for_each_input(client: openai.OpenAI) -> None:
    """The SDK asks for base64 unless told otherwise: both forms hold the same numbers."""
    coded = client.embeddings.create(model="vectors", input=["import os", "import sys"])
    plain = client.embeddings.create(model="vectors", input=["import os", "import sys"], encoding_format="float")
    assert [item.index for item in plain.data] == [0, 1]
    for left, right in zip(coded.data, plain.data, strict=True):
        assert len(right.embedding) == 256
        assert math.hypot(*right.embedding) == pytest.approx(1, rel=1e-3)
        assert left.embedding == pytest.approx(right.embedding, abs=1e-6)
    assert plain.usage.prompt_tokens > 0


@pytest.mark.parametrize("path", ["/v1/score"])
def test_the_nearer_text_scores_higher(http: httpx.Client, path: str) -> None:
    asked = {"model": "vectors", "text_1": "import os", "text_2": ["class Clover:", "import os"]}
    far, near = http.post(path, json=asked).raise_for_status().json()["data"]
    assert near["score"] == pytest.approx(1, rel=1e-3)
    assert far["score"] < near["score"]


def test_the_nearer_document_ranks_first(http: httpx.Client) -> None:
    asked = {"model": "vectors", "query": "import os", "documents": ["class Clover:", "import os"]}
    first, second = http.post("/v1/rerank", json=asked).raise_for_status().json()["results"]
    assert (first["index"], second["index"]) == (1, 0)


def test_a_model_that_makes_text_has_no_vectors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.embeddings.create(model="pool-only", input="import os")
    assert caught.value.status_code in {400, 404}
    assert isinstance(caught.value.body, dict), "the envelope is OpenAI's"
    assert caught.value.body["message"]


def test_a_model_of_vectors_does_not_chat(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.chat.completions.create(model="vectors", messages=[{"role": "user", "content": "hello"}])
    assert caught.value.status_code in {400, 404}
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["message"]
