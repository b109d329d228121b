"""A stream that dies in a client's hands. Rule: it goes on elsewhere where that is honest, and says so; nothing is lost
or repeated at the seam, and every attempt is accounted for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
import pytest

from backends.engine.server import Engine, EngineOptions
from backends.recover.transcript import MAX_TEXT
from gateway import clock
from policies.load.token_bucket import TokenBucket
from policies.vocabulary.engine_state import Continues
from tests.backends.recover.wire import DONE, Read, chunk, event, read
from tests.contracts.client import Reply, ask, chat, connected, post
from tests.contracts.scripted import Call, Script, Upstream, silent, stream, upstream, whole
from tests.contracts.serving import Running, running, until

CUT = 9  # events after which an engine hangs up
PROMPT = [{"role": "user", "content": "Say something"}]


class Pool(msgspec.Struct):
    """A gateway before two engines that would answer alike; ``victim`` is asked first."""

    gateway: Running
    victim: str
    other: str

    async def arm(self, root: str | None = None, **fault: Any) -> None:
        async with httpx.AsyncClient() as http:
            armed = await http.post(f"{root or self.victim}/fault", json={"kind": "cut", "after": CUT, **fault})
            armed.raise_for_status()

    async def undisturbed(self, path: str, body: dict[str, Any]) -> Read:
        async with httpx.AsyncClient() as http:
            answer = await http.post(f"{self.other}{path}", json={**body, "model": "m"})
        return read(answer.content)


@asynccontextmanager
async def pool(door: str, defaults: str = "", *, speed: float = 20.0, more: str = "") -> AsyncIterator[Pool]:
    engines = [Engine(EngineOptions(model="m", speed=speed)) for _ in range(2)]
    first, second = [await engine.start() for engine in engines]
    text = f"""
defaults: {{{defaults}}}
deployments:
  first: {{provider: vllm, model: m, endpoints: ["{first}"], weights: w}}
  second: {{provider: vllm, model: m, endpoints: ["{second}"], weights: w}}
models:
  m: {{deployments: [first, second]{more}}}
"""
    try:
        async with running(text, door) as gateway:
            loads = gateway.gateway.live.endpoints.loads.values()
            if "continue" in (defaults or "continue"):
                await until(lambda: all(load.continues is Continues.EXACTLY for load in loads))
            yield Pool(gateway, first, second)
            await until(lambda: not any(load.in_flight or load.in_flight_tokens for load in loads))
    finally:
        for engine in engines:
            await engine.stop()


def asked(**fields: Any) -> dict[str, Any]:
    return {"messages": PROMPT, "stream": True, "max_tokens": 40, "ignore_eos": True, **fields}


async def request(pool: Pool, **fields: Any) -> Reply:
    return await ask(pool.gateway.port, chat(**asked(**fields)))


def line(pool: Pool) -> dict[str, Any]:
    (only,) = pool.gateway.requests()
    return only


@pytest.mark.parametrize("fault", ["cut", "reset"])
async def test_a_stream_goes_on_from_the_text_so_far(door: str, fault: str) -> None:
    async with pool(door) as made:
        await made.arm(kind=fault, times=1)
        reply = await request(made, stream_options={"include_usage": True})
        whole = await made.undisturbed("/v1/chat/completions", asked(stream_options={"include_usage": True}))
        seen = read(reply.body)
        assert (seen.texts, seen.finishes, seen.done, seen.roles) == (whole.texts, ["length"], 1, 1)
        assert len(seen.ids) == len(seen.models) == 1
        (comment,) = seen.comments
        assert comment.startswith(b": cloverleaf recovered mode=continue deployment=second at=")
        assert seen.usage is not None and whole.usage is not None
        assert seen.usage["completion_tokens"] == 40
        assert abs(seen.usage["prompt_tokens"] - whole.usage["prompt_tokens"]) <= 1  # text is read in other tokens
        logged = line(made)
        assert (logged["recovered"], logged["attempts"], logged["status"]) == ("continue", 2, 200)
        assert "failure" not in logged
        assert [spent["end"] for spent in logged["spent"]] == ["broken_stream", "ok"]


async def test_a_run_at_temperature_0_is_realigned(door: str) -> None:
    async with pool(door, "recovery: [realign]") as made:
        await made.arm(times=1)
        seen = read((await request(made, temperature=0, logprobs=False)).body)
        whole = await made.undisturbed("/v1/chat/completions", asked(temperature=0))
        assert (seen.texts, seen.finishes, seen.done) == (whole.texts, whole.finishes, 1)
        assert b"mode=realign" in seen.comments[0]
        assert line(made)["completion_tokens"] == 40


@pytest.mark.parametrize("mode", ["continue", "realign"])
async def test_a_completion_is_recovered_too(door: str, mode: str) -> None:
    async with pool(door, f"recovery: [{mode}]") as made:
        await made.arm(family="completions", times=1)
        body = {"prompt": "Once upon a", "stream": True, "max_tokens": 30, "seed": 7, "ignore_eos": True}
        reply = await ask(made.gateway.port, post("/v1/completions", msgspec.json.encode({**body, "model": "m"})))
        seen, whole = read(reply.body), await made.undisturbed("/v1/completions", body)
        assert f"mode={mode}".encode() in seen.comments[0]
        assert (seen.finishes, seen.done, len(seen.ids)) == (["length"], 1, 1)
        if mode == "realign":  # an engine's voice follows from its prompt, which a continued completion changes
            assert seen.texts == whole.texts
        assert len(seen.texts["text"]) == len(whole.texts["text"])


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "off": ("recovery: []", {}),
    "n": ("", {"n": 2}),
    "logprobs": ("recovery: [continue]", {"logprobs": True}),
    "json": ("", {"response_format": {"type": "json_object"}}),
    "penalty": ("", {"frequency_penalty": 0.3}),
    "realign-sampled": ("recovery: [realign]", {}),
    "forced-tool": (
        "",
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}], "tool_choice": "required"},
    ),
}


@pytest.mark.parametrize("how", REFUSED)
async def test_what_cannot_be_done_honestly_ends_in_the_in_band_error(door: str, how: str) -> None:
    defaults, fields = REFUSED[how]
    async with pool(door, defaults) as made:
        await made.arm(times=1, after=3)
        reply = await request(made, **fields)
        assert reply.status == 200 and reply.whole
        assert b'data: {"error":' in reply.body and b"[DONE]" not in reply.body
        assert line(made)["failure"] == "BROKEN_STREAM"


async def test_a_stream_that_dies_twice_is_recovered_once(door: str) -> None:
    async with pool(door) as made:
        await made.arm(times=1)
        await made.arm(made.other, times=1, family="chat")
        reply = await request(made)
        assert reply.body.count(b": cloverleaf recovered") == 1
        assert b'data: {"error":' in reply.body and b"[DONE]" not in reply.body
        logged = line(made)
        assert (logged["failure"], logged["attempts"]) == ("BROKEN_STREAM", 2)
        assert logged["completion_tokens"] == 2 * (CUT - 1)
        assert logged["usage"] == "estimated"


async def test_an_answer_that_died_at_its_limit_is_complete(door: str) -> None:
    """Its last token came, without the finish reason that engines send behind it."""
    async with pool(door) as made:
        await made.arm(times=1)
        seen = read((await request(made, max_tokens=CUT - 1, stop=["never said"])).body)
        assert (seen.finishes, seen.done, seen.comments) == (["length"], 1, [])
        assert line(made)["attempts"] == 1


async def test_an_endpoint_that_refuses_to_take_over_leaves_the_error(door: str) -> None:
    async with pool(door) as made:
        await made.arm(times=1)
        await made.arm(made.other, kind="status", status=500)
        reply = await request(made)
        assert b'data: {"error":' in reply.body and b"[DONE]" not in reply.body
        assert line(made)["message"], "the first death is what is told"


async def test_a_client_that_leaves_a_recovered_stream_frees_the_place(door: str) -> None:
    async with pool(door, speed=1.0) as made, connected(made.gateway.port) as client:
        await made.arm(times=1)
        client.send(chat(**asked(max_tokens=4000)))
        await client.head()
        while b"recovered" not in await client.chunk():
            pass
        client.leave()
        await until(lambda: made.gateway.requests())
        logged = line(made)
        assert (logged["failure"], logged["usage"]) == ("CANCELLED", "estimated")
        assert CUT - 1 <= logged["completion_tokens"] < 100


async def test_silence_in_mid_stream_is_recovered_as_well(door: str) -> None:
    async with pool(door, "timeouts: {stream_idle: 300ms}, recovery: [continue]") as made:
        await made.arm(kind="stall", times=1)
        seen = read((await request(made)).body)
        whole = await made.undisturbed("/v1/chat/completions", asked())
        assert (seen.texts, seen.done, len(seen.comments)) == (whole.texts, 1, 1)


async def test_the_stampede_bucket_makes_a_stream_wait_for_its_turn(door: str) -> None:
    """It is told nothing but a pause."""
    async with pool(door) as made:
        load = drained(made, rate=200.0)
        await made.arm(times=1)
        seen = read((await request(made)).body)
        assert (seen.done, len(seen.comments)) == (1, 1)
        assert load.level < 0 or load.at > 0


async def test_a_turn_that_would_come_too_late_is_not_waited_for(door: str) -> None:
    async with pool(door, "timeouts: {stream_idle: 2s}, recovery: [continue]") as made:
        drained(made, rate=0.1)
        await made.arm(times=1)
        reply = await request(made)
        assert b'data: {"error":' in reply.body and b"[DONE]" not in reply.body


def drained(made: Pool, rate: float) -> TokenBucket:
    """The second engine's bucket, with nothing left in it."""
    bucket = made.gateway.gateway.live.endpoints.loads["second", made.other].recoveries
    bucket.rate, bucket.burst = rate, 20.0
    bucket.reserve(20, clock.now())
    return bucket


# Tool calls and reasoning: scripted, since engines do neither on demand


def call(arguments: str, index: int = 0) -> bytes:
    function = {"name": "f", "arguments": arguments}
    return chunk("old", {"tool_calls": [{"index": index, "id": "c", "type": "function", "function": function}]})


ROLE = chunk("old", {"role": "assistant", "content": ""})
THOUGHT = chunk("old", {"reasoning_content": "so"})
TEXT = chunk("old", {"content": "yes"})
HEAD = {"id": "old", "created": sum(b"old"), "model": "model-old"}
CALLED = stream(ROLE, call("{"), call("}"), chunk("old", {}, "tool_calls"), DONE)


@asynccontextmanager
async def scripted(first: Script, second: Script, door: str, defaults: str) -> AsyncIterator[tuple[Running, int]]:
    async with upstream(first) as one, upstream(second) as other:
        text = f"""
defaults: {{{defaults}}}
deployments:
  one: {{provider: openai_compatible, model: m, base_url: "{one.url}", weights: w}}
  other: {{provider: openai_compatible, model: m, base_url: "{other.url}", weights: w}}
models: {{m: {{deployments: [one, other]}}}}
"""
        async with running(text, door) as gateway:
            yield gateway, gateway.port


async def test_a_tool_call_that_is_held_is_lost_without_a_trace(door: str) -> None:
    """Nothing was sent yet: it is a retry like any other."""
    dies = stream(ROLE, call("{"), end=False)
    async with scripted(dies, CALLED, door, "hold_tool_calls: true") as (gateway, port):
        reply = await ask(port, chat(stream=True))
        assert reply.body == ROLE + call("{") + call("}") + chunk("old", {}, "tool_calls") + DONE
        assert reply.headers["x-cloverleaf-deployment"] == "other"
        assert gateway.requests()[0]["attempts"] >= 2


async def test_text_before_a_held_tool_call_is_realigned(door: str) -> None:
    dies = stream(ROLE, TEXT, call("{"), end=False)
    again = stream(ROLE, TEXT, call("{"), call("}"), chunk("old", {}, "tool_calls"), DONE)
    async with scripted(dies, again, door, "hold_tool_calls: true, recovery: [realign]") as (_, port):
        reply = await ask(port, chat(stream=True, temperature=0))
        seen = read(reply.body)
        assert (seen.texts, seen.finishes, seen.done) == ({"content": "yes"}, ["tool_calls"], 1)
        assert reply.body.count(b'"tool_calls":[{') == 2
        assert b"mode=realign" in seen.comments[0]


async def test_a_tool_call_that_was_begun_is_not_recovered(door: str) -> None:
    dies = stream(ROLE, TEXT, call("{"), end=False)
    async with scripted(dies, CALLED, door, "realign: always") as (_, port):
        reply = await ask(port, chat(stream=True, temperature=0))
        assert reply.body.startswith(ROLE + TEXT + call("{") + b'data: {"error":')


@pytest.mark.parametrize("restart", [True, False])
async def test_a_stream_that_showed_only_reasoning_is_begun_again_where_that_is_wanted(
    door: str, restart: bool
) -> None:
    dies = stream(ROLE, THOUGHT, end=False)
    again = stream(ROLE, THOUGHT, TEXT, chunk("old", {}, "stop"), DONE)
    reasoning = "restart" if restart else "error"
    async with scripted(dies, again, door, f"reasoning: {reasoning}") as (_, port):
        seen = await ask(port, chat(stream=True, temperature=0))
        if not restart:
            assert seen.body.startswith(ROLE + THOUGHT + b'data: {"error":')
            return
        told = read(seen.body)
        assert (told.texts, told.done) == ({"reasoning_content": "soso", "content": "yes"}, 1)
        assert b"mode=restart" in told.comments[0]


async def test_a_run_that_says_something_else_ends_in_the_error(door: str) -> None:
    other = stream(ROLE, chunk("new", {"content": "no"}), chunk("new", {}, "stop"), DONE)
    async with scripted(stream(ROLE, TEXT, end=False), other, door, "realign: always") as (_, port):
        reply = await ask(port, chat(stream=True))
        assert reply.body.startswith(ROLE + TEXT + b'data: {"error":') and b"[DONE]" not in reply.body


async def test_an_answer_of_two_choices_of_which_one_had_finished_is_not_passed_off_as_whole(door: str) -> None:
    """Seen: the finished choice was taken for the end of the answer, and the other was cut in silence."""
    second = chunk("old", {"content": "no"}).replace(b'"index":0', b'"index":1')
    dies = stream(ROLE, TEXT, second, chunk("old", {}, "stop"), end=False)
    async with scripted(dies, CALLED, door, "realign: always") as (_, port):
        reply = await ask(port, chat(stream=True, n=2))
        assert b'data: {"error":' in reply.body and b"[DONE]" not in reply.body


@pytest.mark.parametrize("told", [True, False])
async def test_an_answer_that_died_between_its_finish_and_its_end_is_complete(door: str, told: bool) -> None:
    """Only what is still missing is said: the usage that was asked for, if it had not come yet, and the end."""
    usage = event({**HEAD, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1}})
    dies = stream(ROLE, TEXT, chunk("old", {}, "stop"), *([usage] if told else []), end=False)
    async with scripted(dies, CALLED, door, "realign: always") as (gateway, port):
        reply = await ask(port, chat(stream=True, stream_options={"include_usage": True}))
        seen = read(reply.body)
        assert (seen.texts, seen.finishes, seen.done, seen.comments) == ({"content": "yes"}, ["stop"], 1, [])
        assert reply.body.count(b'"usage":{') == 1
        assert seen.usage is not None and seen.usage["completion_tokens"] == 1
        logged = gateway.requests()[0]
        assert (logged["attempts"], logged["usage"]) == (1, "upstream" if told else "estimated")


class Rendering:
    """An engine that says of every text that it is ``count`` tokens, or nothing, and then answers by a script."""

    def __init__(self, count: int | None, script: Script) -> None:
        self._count = count
        self._script = script
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, call: Call) -> None:
        body = msgspec.json.decode(call.body) if call.body else {}
        if call.target == "/tokenize" and "messages" in body:
            self._text = body["messages"][-1]["content"]
            await whole(b'{"tokens": [1]}')(call)
        elif call.target == "/detokenize":
            await whole(msgspec.json.encode({"prompt": self._text}))(call)
        elif call.target == "/tokenize" and self._count is None:
            await silent(call)
        elif call.target == "/tokenize":
            await whole(msgspec.json.encode({"count": self._count}))(call)
        elif call.target.startswith("/v1"):
            self.asked.append(body)
            await self._script(call)
        else:
            await whole(b"")(call)


@asynccontextmanager
async def rendering(victim: Rendering, other: Rendering) -> AsyncIterator[tuple[Running, Upstream]]:
    """Two such engines behind a gateway that knows that they continue, and the second of them."""
    async with upstream(victim) as one, upstream(other) as two:
        text = f"""
deployments:
  one: {{provider: vllm, model: m, endpoints: ["{one.url.removesuffix("/v1")}"], weights: w}}
  two: {{provider: vllm, model: m, endpoints: ["{two.url.removesuffix("/v1")}"], weights: w}}
models: {{m: {{deployments: [one, two]}}}}
"""
        async with running(text) as gateway:
            loads = gateway.gateway.live.endpoints.loads.values()
            await until(lambda: all(load.continues is Continues.EXACTLY for load in loads))
            yield gateway, two


@pytest.mark.parametrize(("count", "spent"), [(7, 7), (1, 2), (None, 2)])
async def test_chunks_of_several_tokens_are_counted_before_the_budget_shrinks(count: int | None, spent: int) -> None:
    """Seen with speculative decoding, and where a slow reader's chunks were joined: a chunk was taken for a token."""
    more = stream(chunk("new", {"content": "!"}), chunk("new", {}, "length"), DONE)
    victim, other = Rendering(count, stream(ROLE, TEXT, TEXT, end=False)), Rendering(count, more)
    async with rendering(victim, other) as (gateway, _):
        reply = await ask(gateway.port, chat(stream=True, max_tokens=30, min_tokens=5))
        seen = read(reply.body)
        assert (seen.texts, seen.finishes, seen.done) == ({"content": "yesyes!"}, ["length"], 1)
        (continued,) = other.asked
        assert (continued["max_tokens"], continued["min_tokens"]) == (30 - spent, max(0, 5 - spent))
        (logged,) = gateway.requests()
        assert logged["completion_tokens"] == spent + 1
        assert [each["usage"]["completion"] for each in logged["spent"]] == [spent, 1]


async def test_a_client_that_leaves_while_its_text_is_counted_is_forgotten() -> None:
    victim, other = Rendering(None, stream(ROLE, TEXT, end=False)), Rendering(None, silent)
    async with rendering(victim, other) as (gateway, two), connected(gateway.port) as client:
        client.send(chat(stream=True, max_tokens=30))
        counting: list[Call] = []
        while not counting:
            await asyncio.sleep(0.005)
            counting = [call for call in two.calls if call.target == "/tokenize" and b'"prompt"' in call.body]
        client.leave()
        await until(lambda: gateway.requests())
        await counting[0].left.wait()
        assert (gateway.requests()[0]["failure"], other.asked) == ("CANCELLED", [])


async def test_a_request_that_is_no_text_in_its_depths_ends_in_the_error_like_any(door: str) -> None:
    """Seen: its stream's death was never told. Routing reads the outermost keys, and here the rest cannot be read."""
    body = b'{"model":"m","stream":true,"temperature":0,"messages":[{"role":"user","content":"\xff"}]}'
    async with scripted(stream(ROLE, TEXT, end=False), CALLED, door, "realign: always") as (gateway, port):
        reply = await ask(port, post("/v1/chat/completions", body))
        assert reply.body.startswith(ROLE + TEXT + b'data: {"error":') and reply.whole
        assert gateway.requests()[0]["failure"] == "BROKEN_STREAM"


async def test_text_beyond_the_bound_is_not_recovered(door: str) -> None:
    long = chunk("old", {"content": "x" * (MAX_TEXT // 2 + 1)})
    whole = stream(ROLE, long, long, chunk("old", {}, "stop"), DONE)
    async with scripted(stream(ROLE, long, long, end=False), whole, door, "realign: always") as (_, port):
        reply = await ask(port, chat(stream=True))
        assert b'data: {"error":' in reply.body and b"recovered" not in reply.body
