"""Vectors, scores and ranks, from an engine that makes them; a clean refusal from those that cannot."""

import base64
import math
import struct

import httpx
import openai
import pytest


def test_a_vector_for_each_input(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="vectors", input=["import os", "import sys"], encoding_format="float")
    assert [item.index for item in answer.data] == [0, 1]
    assert all(len(item.embedding) == 256 for item in answer.data)
    assert all(math.hypot(*item.embedding) == pytest.approx(1, rel=1e-3) for item in answer.data)
    assert answer.usage.prompt_tokens > 0


def test_a_vector_in_base64_is_the_same_vector(client: openai.OpenAI, http: httpx.Client) -> None:
    """What the SDK asks for when it is not told; its strict mode refuses to read it."""
    plain = client.embeddings.create(model="vectors", input="import os", encoding_format="float")
    asked = {"model": "vectors", "input": "import os", "encoding_format": "base64"}
    coded = http.post("/v1/embeddings", json=asked).raise_for_status().json()["data"][0]["embedding"]
    assert struct.unpack("<256f", base64.b64decode(coded)) == pytest.approx(plain.data[0].embedding, abs=1e-6)


def test_the_nearer_text_scores_higher(http: httpx.Client) -> None:
    asked = {"model": "vectors", "text_1": "import os", "text_2": ["class Clover:", "import os"]}
    far, near = http.post("/v1/score", json=asked).raise_for_status().json()["data"]
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
