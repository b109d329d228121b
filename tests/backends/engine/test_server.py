"""The engine as a whole: options, keys, routes, several in one process."""

import httpx
import pytest

from backends.engine.profile import Profile
from backends.engine.server import Engine, EngineOptions

from .conftest import Connect, Serve

ASKED = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}


async def test_the_key_guards_v1_alone(serve: Serve, http: httpx.AsyncClient, sdk: Connect) -> None:
    url = await serve(api_key="sk-secret")
    chat = f"{url}/v1/chat/completions"
    assert (await http.post(chat, json=ASKED)).status_code == 401
    wrong = await http.post(chat, json=ASKED, headers={"authorization": "Bearer nope"})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "Unauthorized"})
    assert (await http.get(f"{url}/v1/models")).status_code == 401
    for path in ("/health", "/metrics", "/version", "/load"):
        assert (await http.get(f"{url}{path}")).status_code == 200
    assert (await http.post(f"{url}/tokenize", json={"prompt": "x"})).status_code == 200
    answer = await sdk(url, "sk-secret").chat.completions.create(model="demo", messages=[], extra_body=ASKED)
    assert answer.choices[0].message.content


async def test_unknown_paths_and_methods_are_refused(serve: Serve, http: httpx.AsyncClient) -> None:
    url = await serve()
    assert (await http.get(f"{url}/v2/nothing")).status_code == 404
    assert (await http.get(f"{url}/v1/chat/completions")).status_code == 405
    assert (await http.post(f"{url}/health")).status_code == 405


async def test_replicas_in_one_process_share_nothing(serve: Serve, http: httpx.AsyncClient) -> None:
    urls = [await serve(), await serve()]
    await http.post(f"{urls[0]}/v1/chat/completions", json=ASKED)
    await http.post(f"{urls[0]}/fault", json={"kind": "health"})
    assert [(await http.get(f"{url}/health")).status_code for url in urls] == [503, 200]
    counted = [(await http.get(f"{url}/metrics")).text.count("request_queue_time_seconds_count") for url in urls]
    assert counted == [1, 1]
    assert 'finished_reason="length"} 0.0' in (await http.get(f"{urls[1]}/metrics")).text


async def test_a_stopped_engine_closes_its_port_and_its_streams(http: httpx.AsyncClient) -> None:
    engine = Engine(EngineOptions(tokens_per_second=1))
    url = await engine.start()
    body = {**ASKED, "stream": True, "max_tokens": 100, "ignore_eos": True}
    async with http.stream("POST", f"{url}/v1/chat/completions", json=body) as reply:
        lines = reply.aiter_lines()
        await anext(lines)
        await engine.stop()
        with pytest.raises(httpx.TransportError):
            async for _ in lines:
                pass
    with pytest.raises(httpx.ConnectError):
        await http.get(f"{url}/health")


@pytest.mark.parametrize(
    "options",
    [
        {"max_model_len": 1000, "profile": Profile(num_blocks=10)},
        {"speed": 0.0},
        {"tokens_per_second": -1.0},
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        EngineOptions(**options)  # type: ignore[arg-type]
