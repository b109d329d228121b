"""The journal: what the engine counted, whoever heard of it."""

from pathlib import Path

import httpx

from backends.engine.journal import Line, read
from backends.engine.server import Engine, EngineOptions
from tests.contracts.serving import until


async def test_a_generation_leaves_a_line_whether_it_ends_or_is_left(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    engine = Engine(EngineOptions(model="m", tokens_per_second=200, journal=path))
    url = f"{await engine.start()}/v1/completions"
    asked = {"prompt": "four", "max_tokens": 4000, "ignore_eos": True}
    try:
        async with httpx.AsyncClient(headers={"x-request-id": "mine"}) as http:
            answer = await http.post(url, json={**asked, "max_tokens": 5})
            async with http.stream("POST", url, json={**asked, "stream": True}) as stream:
                await anext(stream.aiter_bytes())
            await until(lambda: len(read(path)) == 2)
    finally:
        await engine.stop()
    whole, left = read(path)
    assert answer.json()["usage"]["completion_tokens"] == 5
    assert whole == Line("mine", 1, 5, 0, "finished")
    assert (left.id, left.end) == ("mine", "aborted")
    assert 1 <= left.completion < 4000


def test_a_line_that_was_cut_short_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    assert read(path) == []
    path.write_bytes(b'{"id":"a","prompt":1,"completion":2,"cached":0,"end":"finished"}\n{"id":"b","pro')
    assert [line.id for line in read(path)] == ["a"]
