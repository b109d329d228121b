"""Token counts: exact by the engine's own /tokenize where the estimate is too rough to say, and nowhere else."""

import asyncio

import msgspec
import pytest

from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, Call, Script, Upstream, reset, silent, upstream, whole
from tests.contracts.serving import LIMIT, Running, running, until

EMBEDDED = """
deployments:
  small: {provider: embedded, model: m, context_window: 1000}
  large: {provider: embedded, model: m, context_window: 100000}
models: {m: {deployments: [small, large]}}
"""


def said(letters: int, **fields: object) -> bytes:
    return chat("m", messages=[{"role": "user", "content": "x" * letters}], **fields)


def patient(gateway: Running) -> None:
    """A busy machine may take its time."""
    gateway.gateway.token_counts.limit = LIMIT


def tokens(gateway: Running) -> tuple[int, int]:
    counts = gateway.gateway.token_counts
    return counts.counted, counts.kept


@pytest.mark.parametrize(("letters", "place"), [(3700, "small"), (3930, "small"), (4100, "large")])
async def test_a_prompt_near_the_window_is_counted_by_the_engine_and_goes_where_it_fits(
    letters: int, place: str, door: str
) -> None:
    """The estimate says 1,000 for 4,000 bytes of JSON, about which the engine's template has a word of its own."""
    async with running(EMBEDDED, door) as gateway:
        patient(gateway)
        reply = await ask(gateway.port, said(letters, max_tokens=1))
        assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, place)
        assert tokens(gateway) == (1, 0)
        prompt = reply.json["usage"]["prompt_tokens"]
        assert (prompt + 1 <= 1000) == (place == "small"), prompt


@pytest.mark.parametrize(("letters", "place"), [(400, "small"), (40_000, "large")])
async def test_far_from_the_window_nothing_is_asked(letters: int, place: str) -> None:
    async with running(EMBEDDED) as gateway:
        reply = await ask(gateway.port, said(letters, max_tokens=1))
        assert reply.headers["x-cloverleaf-deployment"] == place
        assert tokens(gateway) == (0, 0)


async def test_what_is_learned_of_the_estimate_narrows_what_is_counted() -> None:
    async with running(EMBEDDED) as gateway, connected(gateway.port) as client:
        live = gateway.gateway.live
        before = live.estimates.errors["m"]
        for _ in range(60):
            assert (await client.ask(said(2000, max_tokens=1))).status == 200
        assert live.estimates.errors["m"] < before / 2
        await client.ask(said(3300, max_tokens=1))
        assert tokens(gateway) == (0, 0), "it was counted while little was known"


def engine(*scripts: Script) -> Upstream:
    """A vLLM that says what its script says to /tokenize, and answers the rest."""
    count = iter(scripts)

    async def script(call: Call) -> None:
        if call.target == "/tokenize":
            await next(count)(call)
        elif call.target.startswith("/v1"):
            await whole(ANSWER)(call)
        else:
            await whole(b"")(call)

    return Upstream(script)


def config(up: Upstream, provider: str = "vllm") -> str:
    root = up.url.removesuffix("/v1")
    where = f"endpoints: [{root}]" if provider == "vllm" else f'base_url: "{up.url}", api_key: sk-x'
    return f"""
deployments:
  small: {{provider: {provider}, model: gpt-4o, {where}, context_window: 1000}}
  large: {{provider: openai_compatible, model: m, base_url: "{up.url}", context_window: 100000}}
models: {{m: {{deployments: [small, large]}}}}
"""


@pytest.mark.parametrize(
    "script",
    [
        whole(b'{"error":"no such path"}', status=404),
        whole(b'{"tokens":[]}'),
        whole(b"<html>", content_type="text/html"),
        reset,
        silent,
    ],
    ids=["refused", "no count", "no JSON", "reset", "silent"],
)
async def test_where_the_engine_cannot_say_the_estimate_stands_and_the_log_says_so(script: Script) -> None:
    up = engine(script, script, script)
    await up.start()
    try:
        async with running(config(up)) as gateway:
            reply = await ask(gateway.port, said(3800))
            assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "small")
            reply = await ask(gateway.port, said(4200))
            assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "large")
            assert tokens(gateway) == (0, 2)
            gateway.app.log.flush()
            lines = [msgspec.json.decode(line) for line in gateway.log.getvalue().splitlines()]
            (line,) = [line for line in lines if line["event"] == "tokens"]
            assert "small: prompts near its context window are estimated" in str(line)
    finally:
        await up.stop()


async def test_a_count_is_believed_over_the_estimate() -> None:
    up = engine(whole(b'{"count": 2000, "max_model_len": 1000, "tokens": []}'), whole(b'{"count": 10}'))
    await up.start()
    try:
        async with running(config(up)) as gateway:
            patient(gateway)
            assert (await ask(gateway.port, said(3800))).headers["x-cloverleaf-deployment"] == "large"
            assert (await ask(gateway.port, said(4200))).headers["x-cloverleaf-deployment"] == "small"
            asked = next(call for call in up.calls if call.target == "/tokenize")
            assert msgspec.json.decode(asked.body).keys() == {"model", "messages"}
    finally:
        await up.stop()


async def test_a_client_that_leaves_while_it_is_counted_is_forgotten(door: str) -> None:
    up = engine(silent)
    await up.start()
    try:
        async with running(config(up), door) as gateway, connected(gateway.port) as client:
            patient(gateway)
            client.send(said(3800))
            await until(lambda: any(call.target == "/tokenize" for call in up.calls))
            client.leave()
            await until(lambda: not gateway.gateway.journeys)
            (call,) = (call for call in up.calls if call.target == "/tokenize")
            await asyncio.wait_for(call.left.wait(), 30)
            assert not [call for call in up.calls if call.target.startswith("/v1/chat")]
            assert gateway.requests()[-1]["status"] == 499
    finally:
        await up.stop()


async def test_openai_is_counted_by_tiktoken_where_its_file_is_and_estimated_elsewhere() -> None:
    """Without tools and pictures; whether the file is there, the request is answered, and nothing is fetched."""
    async with upstream(whole(ANSWER)) as up, running(config(up, "openai")) as gateway:
        reply = await ask(gateway.port, said(3800))
        assert reply.status == 200
        assert sum(tokens(gateway)) == 1
        assert len(up.calls) == 1


async def test_a_provider_that_nobody_can_count_for_keeps_its_estimate() -> None:
    async with upstream(whole(ANSWER)) as up, running(config(up, "openai_compatible")) as gateway:
        assert (await ask(gateway.port, said(3800))).status == 200
        assert tokens(gateway) == (0, 1)


async def test_an_endpoint_that_is_up_is_asked() -> None:
    up = engine(*[whole(b'{"count": 2000}')] * 99)  # it is asked how it goes on from a text, too
    await up.start()
    try:
        root = up.url.removesuffix("/v1")
        text = config(up).replace(f"[{root}]", f"[{root}, http://127.0.0.1:9]")
        async with running(text) as gateway:
            patient(gateway)
            loads = gateway.gateway.live.endpoints.loads
            await until(lambda: loads["small", "http://127.0.0.1:9"].down)
            assert (await ask(gateway.port, said(3800))).headers["x-cloverleaf-deployment"] == "large"
            assert tokens(gateway) == (1, 0)
    finally:
        await up.stop()
