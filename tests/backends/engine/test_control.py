"""What an operator asks an engine."""

import asyncio

import httpx
import pytest

from .conftest import Connect, Gauge, Serve

ASKED = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}


async def test_an_engine_says_what_it_is(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    health = await http.get(f"{url}/health")
    assert (health.status_code, health.headers["server"]) == (200, "cloverleaf-engine")
    assert (await http.get(f"{url}/version")).json()["server"] == "cloverleaf-engine"


async def test_models_are_listed_and_found_even_with_slashes(
    serve: Serve, http: httpx.AsyncClient, sdk: Connect
) -> None:
    url = await serve(model="meta-llama/Llama-3.1-8B")
    client = sdk(url)
    assert [model.id async for model in client.models.list()] == ["meta-llama/Llama-3.1-8B"]
    found = await client.models.retrieve("meta-llama/Llama-3.1-8B")
    assert found.owned_by == "cloverleaf-engine"
    assert (await http.get(f"{url}/v1/models/meta-llama/Llama-3.1-8B")).status_code == 200
    assert (await http.get(f"{url}/v1/models/other")).status_code == 404


async def test_metrics_count_what_was_served(serve: Serve, http: httpx.AsyncClient, gauge: Gauge) -> None:
    url = await serve()
    usage = (await http.post(f"{url}/v1/chat/completions", json=ASKED)).json()["usage"]
    assert await gauge(url, "vllm:prompt_tokens_total") == usage["prompt_tokens"]
    assert await gauge(url, "vllm:generation_tokens_total") == 4
    assert await gauge(url, "vllm:prefix_cache_queries_total") == usage["prompt_tokens"]
    labels = 'engine="0",model_name="demo"'
    assert await gauge(url, f'vllm:request_success_total{{{labels},finished_reason="length"}}') == 1
    assert await gauge(url, "vllm:time_to_first_token_seconds_count") == 1
    assert await gauge(url, "vllm:inter_token_latency_seconds_count") == 3
    assert await gauge(url, "vllm:e2e_request_latency_seconds_count") == 1
    assert await gauge(url, "vllm:num_requests_running") == 0


async def test_load_counts_requests_in_flight(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve(tokens_per_second=1)
    assert (await http.get(f"{url}/load")).json() == {"server_load": 0}
    body = {**ASKED, "max_tokens": 1000, "stream": True, "ignore_eos": True}
    async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        await anext(reply.aiter_lines())
        assert (await http.get(f"{url}/load")).json() == {"server_load": 1}


@pytest.mark.parametrize(("level", "state"), [(1, "weights_offloaded"), (2, "discard_all")])
async def test_a_sleeping_engine_holds_requests_until_it_wakes(
    serve: Serve, http: httpx.AsyncClient, gauge: Gauge, level: int, state: str
) -> None:
    url = await serve()
    await http.post(f"{url}/sleep?level={level}")
    assert (await http.get(f"{url}/is_sleeping")).json() == {"is_sleeping": True}
    labels = 'engine="0",model_name="demo"'
    assert await gauge(url, f'vllm:engine_sleep_state{{{labels},sleep_state="{state}"}}') == 1
    asked = asyncio.ensure_future(http.post(f"{url}/v1/chat/completions", json=ASKED))
    while await gauge(url, "vllm:num_requests_waiting") == 0:
        assert not asked.done()
    await http.post(f"{url}/wake_up")
    assert (await asked).status_code == 200
    assert (await http.get(f"{url}/is_sleeping")).json() == {"is_sleeping": False}


async def test_sleep_aborts_what_is_in_flight(serve: Serve, http: httpx.AsyncClient, gauge: Gauge) -> None:
    url = await serve(tokens_per_second=1)
    body = {**ASKED, "max_tokens": 1000, "stream": True, "ignore_eos": True}
    async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        lines = reply.aiter_lines()
        await anext(lines)
        await http.post(f"{url}/sleep")
        rest = "".join([line async for line in lines])
    assert '"finish_reason":"abort"' in rest
    assert rest.endswith("data: [DONE]")
    assert await gauge(url, "vllm:num_requests_running") == 0


async def test_a_level_that_does_not_exist_is_refused(serve: Serve, http: httpx.AsyncClient) -> None:
    assert (await http.post(f"{await serve()}/sleep?level=9")).status_code == 400


async def test_faults_are_armed_shown_and_cleared(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    for fault in ({"kind": "status", "times": 1}, {"kind": "health"}):
        await http.post(f"{url}/fault", json=fault)
    chat = f"{url}/v1/chat/completions"
    assert [(await http.post(chat, json=ASKED)).status_code for _ in range(2)] == [503, 200]
    assert (await http.get(f"{url}/health")).status_code == 503
    shown = (await http.get(f"{url}/fault")).json()["faults"]
    assert [(armed["met"], armed["hits"]) for armed in shown] == [(1, 1), (1, 1)]
    assert (await http.delete(f"{url}/fault")).json() == {"faults": []}
    assert (await http.get(f"{url}/health")).status_code == 200


@pytest.mark.parametrize("fault", [{"kind": "explode"}, {"kind": "status", "statu": 500}, {"kind": "cut", "after": -1}])
async def test_a_fault_that_makes_no_sense_is_refused(
    serve: Serve, http: httpx.AsyncClient, fault: dict[str, object]
) -> None:
    url = await serve()
    assert (await http.post(f"{url}/fault", json=fault)).status_code == 400
    assert (await http.get(f"{url}/fault")).json() == {"faults": []}
