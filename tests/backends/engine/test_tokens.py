"""Tokenize and detokenize."""

import httpx

from .conftest import Serve


async def test_detokenize_undoes_tokenize(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve(max_model_len=512)
    told = (await http.post(f"{url}/tokenize", json={"prompt": "héllo wörld"})).json()
    assert told["count"] == len(told["tokens"]) == 4
    assert told["max_model_len"] == 512
    reply = await http.post(f"{url}/detokenize", json={"tokens": told["tokens"]})
    assert reply.json() == {"prompt": "héllo wörld"}


async def test_messages_are_counted_as_generation_counts_them(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    messages = [{"role": "user", "content": "hello"}]
    counted = (await http.post(f"{url}/tokenize", json={"messages": messages})).json()["count"]
    answer = await http.post(f"{url}/v1/chat/completions", json={"messages": messages, "max_tokens": 1})
    assert counted == answer.json()["usage"]["prompt_tokens"]


async def test_nothing_to_tokenize_is_refused(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    assert (await http.post(f"{url}/tokenize", json={})).status_code == 400
    assert (await http.post(f"{url}/detokenize", json={"tokens": ["a"]})).status_code == 400
