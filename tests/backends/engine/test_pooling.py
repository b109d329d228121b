"""Embeddings, rerank and score."""

from math import sqrt
from typing import Any

import httpx
import pytest

from .conftest import Connect, Gauge, Serve


async def test_embeddings_are_unit_vectors_that_follow_from_the_text(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    answer = await client.embeddings.create(model="demo", input=["a", "b", "a"], encoding_format="float")
    vectors = [item.embedding for item in answer.data]
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert vectors[0] == vectors[2] != vectors[1]
    assert sqrt(sum(value * value for value in vectors[0])) == pytest.approx(1, abs=1e-6)
    assert answer.usage.prompt_tokens == 3


async def test_both_encodings_hold_the_same_numbers(serve: Serve, sdk: Connect) -> None:
    url = await serve()
    packed = await sdk(url, strict=False).embeddings.create(model="demo", input="a", dimensions=100)
    plain = await sdk(url).embeddings.create(model="demo", input="a", dimensions=100, encoding_format="float")
    assert len(plain.data[0].embedding) == 100
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-6)


@pytest.mark.parametrize("body", [{"input": []}, {"input": "a", "encoding_format": "hex"}, {"input": {"a": 1}}])
async def test_what_cannot_be_embedded_is_refused(serve: Serve, http: httpx.AsyncClient, body: Any) -> None:
    assert (await http.post(f"{await serve()}/v1/embeddings", json=body)).status_code == 400


@pytest.mark.parametrize("path", ["/v1/rerank", "/rerank"])
async def test_rerank_puts_the_closest_document_first(serve: Serve, http: httpx.AsyncClient, path: str) -> None:
    body = {"query": "red fox", "documents": ["blue sky", {"text": "the red fox"}, "red sky"], "top_n": 2}
    reply = (await http.post(f"{await serve()}{path}", json=body)).json()
    assert [result["index"] for result in reply["results"]] == [1, 2]
    assert reply["results"][0]["document"] == {"text": "the red fox"}


@pytest.mark.parametrize("path", ["/v1/score", "/score"])
async def test_score_compares_one_with_many_or_pair_by_pair(serve: Serve, http: httpx.AsyncClient, path: str) -> None:
    url = f"{await serve()}{path}"
    many = (await http.post(url, json={"text_1": "red fox", "text_2": ["red fox", "sky"]})).json()["data"]
    pairs = (await http.post(url, json={"queries": ["a", "b"], "documents": ["a", "c"]})).json()["data"]
    assert [item["score"] for item in many] == [1.0, 0.0]
    assert [item["score"] for item in pairs] == [1.0, 0.0]


@pytest.mark.parametrize("body", [{"text_1": ["a", "b"], "text_2": ["c"]}, {"text_1": "a"}, {}])
async def test_unequal_lists_cannot_be_scored(serve: Serve, http: httpx.AsyncClient, body: Any) -> None:
    assert (await http.post(f"{await serve()}/score", json=body)).status_code == 400


async def test_pooled_requests_produce_no_tokens(serve: Serve, http: httpx.AsyncClient, gauge: Gauge) -> None:
    url = await serve()
    await http.post(f"{url}/v1/embeddings", json={"input": ["a", "b"]})
    assert await gauge(url, "vllm:generation_tokens_total") == 0
    assert await gauge(url, "vllm:prompt_tokens_total") == 2
