"""Routes, steering, mirrors and explanations through a running gateway."""

from collections import Counter

import msgspec
import pytest

from tests.contracts.client import Reply, ask, chat, connected, post
from tests.contracts.families import good
from tests.contracts.scripted import ANSWER, error, reset, silent, upstream, whole
from tests.contracts.serving import running, until

KEY = "authorization: Bearer sk-test"
PLACES = """
auth:
  keys:
    - {{name: team, key: sk-test, models: [m, n], explain: true}}
    - {{name: other, key: sk-other, models: [m]}}
deployments:
  a: {{provider: openai_compatible, model: m, base_url: "{0}", price: {{input: 5, output: 9}}}}
  b: {{provider: openai_compatible, model: m, base_url: "{1}", price: {{input: 1, output: 2}}}}
models:
  m: {{deployments: [a, b]}}
  n: {{deployments: [b]}}
  hidden: {{deployments: [b]}}
"""


def routed(*routes: str) -> str:
    return PLACES + "routes:\n" + "\n".join(f"  - {route}" for route in routes).replace("{", "{{").replace("}", "}}")


async def answers(text: str, *requests: bytes, door: str = "hot") -> list[Reply]:
    async with upstream(whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = text.format(first.url, second.url)
        async with running(text, door) as gateway, connected(gateway.port) as client:
            return [await client.ask(request) for request in requests]


async def went(text: str, *requests: bytes, door: str = "hot") -> list[str]:
    return [reply.headers["x-cloverleaf-deployment"] for reply in await answers(text, *requests, door=door)]


async def test_the_first_route_that_matches_takes_the_request(door: str) -> None:
    text = routed(
        "{name: long, match: {prompt_tokens: {gt: 500}}, to: {model: n}}",
        "{name: gold, match: {headers: {X-Tier: gold}}, to: {policy: lowest_cost}}",
        "{name: tools, match: {model: m, tools: true}, to: {model: hidden}}",
        "{name: streams, match: {stream: true, key: te*, metadata: {task: chat}}, to: {model: n}}",
        "{name: unknown, match: {model: 'gpt-*'}, to: {model: n}}",
    )
    assert await went(
        text,
        chat("m", KEY),
        chat("m", KEY, messages=[{"role": "user", "content": "word " * 1000}]),
        chat("m", KEY, "x-tier: gold"),
        chat("m", KEY, tools=[{"type": "function", "function": {"name": "f"}}]),
        chat("m", KEY, metadata={"task": "chat"}),
        door=door,
    ) == ["a", "b", "b", "b", "a"]


async def test_a_route_gives_no_key_a_model_that_it_may_not_ask_for() -> None:
    text = routed("{name: all, to: {model: hidden}}")
    allowed, hidden, foreign, unknown = await answers(
        text, chat("m", KEY), chat("hidden", KEY), chat("n", "authorization: Bearer sk-other"), chat("nothing", KEY)
    )
    assert [r.status for r in (allowed, hidden, foreign, unknown)] == [200, 403, 403, 404]


async def test_a_route_may_serve_a_name_that_is_no_model() -> None:
    text = routed("{name: alias, match: {model: 'gpt-*'}, to: {model: n}}").replace("models: [m, n]", "models: ['*']")
    assert await went(text, chat("gpt-4o", KEY)) == ["b"]


@pytest.mark.parametrize(("hours", "place"), [("'00:00', ends: '24:00'", "b"), ("'00:00', ends: '00:00'", "b")])
async def test_a_time_of_day_is_asked_of_the_clock(hours: str, place: str) -> None:
    now = f"{{name: always, match: {{times: [{{begins: {hours}, zone: Asia/Tokyo}}]}}, to: {{model: n}}}}"
    assert await went(routed(now), chat("m", KEY)) == [place]


async def test_a_split_keeps_conversations_and_shares() -> None:
    text = routed("{name: canary, match: {model: m}, split: {m: 50, n: 50}}")
    requests = [chat("m", KEY, user=f"u{n // 2}") for n in range(60)]
    sides = await went(text, *requests)
    assert all(sides[n] == sides[n + 1] for n in range(0, 60, 2))
    assert 6 <= Counter(sides)["b"] // 2 <= 24


async def test_a_split_by_key_keeps_all_of_a_keys_traffic() -> None:
    text = routed("{name: canary, match: {model: m}, split: {m: 50, n: 50}, sticky: key}")
    assert len(set(await went(text, *[chat("m", KEY, user=f"u{n}") for n in range(20)]))) == 1


# mirrors

ONE_PLACE = "max_concurrency: 1, price: {input: 1,"
MIRROR = "{name: shadow, match: {model: m}, mirror: {model: n}}"


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_mirror_gets_a_copy_that_is_recorded_and_never_answers(door: str, streamed: bool) -> None:
    answer = good("chat", streamed)[0]
    async with upstream(answer) as first, upstream(answer) as second:
        text = routed(MIRROR).format(first.url, second.url)
        async with running(text, door) as gateway:
            reply = await ask(gateway.port, chat("m", KEY, stream=streamed, seed=7))
            await until(lambda: len(gateway.requests()) == 2)
            lines = {line.get("mirror", False): line for line in gateway.requests()}
        assert reply.headers["x-cloverleaf-deployment"] == "a"
        sent = [msgspec.json.decode(calls[0].body) for calls in (first.calls, second.calls)]
        assert sent[0] == sent[1]
        assert (lines[True]["model"], lines[True]["deployment"], lines[True]["key"]) == ("n", "b", "team")
        assert (lines[False]["model"], lines[False]["route"]) == ("m", "shadow")


@pytest.mark.parametrize("script", [silent, reset, error(500)], ids=["silent", "reset", "500"])
async def test_whatever_a_mirror_does_the_caller_does_not_notice(script) -> None:  # type: ignore[no-untyped-def]
    async with upstream(whole(ANSWER)) as first, upstream(script) as second:
        text = routed(MIRROR).format(first.url, second.url)
        async with running(text) as gateway, connected(gateway.port) as client:
            replies = [await client.ask(chat("m", KEY)) for _ in range(80)]
            await until(lambda: second.calls)
            assert [reply.status for reply in replies] == [200] * 80
            assert len(gateway.app.shadows.journeys) <= 64
            assert not gateway.gateway.journeys
            await gateway.drain(10.0)
    assert not gateway.app.shadows.journeys


async def test_a_copy_gives_its_place_to_a_caller_who_finds_none(door: str) -> None:
    """`b` has one place, which the silent copy holds when somebody asks for `n` himself."""
    async with upstream(whole(ANSWER)) as first, upstream(silent, whole(ANSWER)) as second:
        text = routed(MIRROR).format(first.url, second.url).replace("price: {input: 1,", ONE_PLACE)
        async with running(text, door) as gateway:
            assert (await ask(gateway.port, chat("m", KEY))).status == 200
            await until(lambda: second.calls)
            reply = await ask(gateway.port, chat("n", KEY))
            assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "b")
            assert "x-cloverleaf-queue-ms" not in reply.headers
            await until(lambda: not gateway.app.shadows.journeys)


async def test_a_copy_that_finds_no_place_is_dropped_and_takes_nobodys_turn() -> None:
    async with upstream(whole(ANSWER)) as first, upstream(silent) as second:
        text = routed(MIRROR).format(first.url, second.url).replace("price: {input: 1,", ONE_PLACE)
        async with running(text) as gateway, connected(gateway.port) as holder:
            holder.send(chat("n", KEY))
            await until(lambda: second.calls)
            assert (await ask(gateway.port, chat("m", KEY))).status == 200
            await until(lambda: any(line.get("mirror") for line in gateway.requests()))
            (copy,) = (line for line in gateway.requests() if line.get("mirror"))
            assert copy["status"] == 429 and gateway.gateway.queue.waiting == 0
            assert len(second.calls) == 1


# steering


@pytest.mark.parametrize(
    ("wish", "place"),
    [
        ({"order": ["b"]}, "b"),
        ({"only": ["b"]}, "b"),
        ({"ignore": ["a"]}, "b"),
        ({"sort": "price"}, "b"),
        ({"sort": "throughput", "only": ["a"]}, "a"),
        ({"max_price": {"prompt": 2, "completion": 3}}, "b"),
        ({"allow_fallbacks": False}, "a"),
        (None, "a"),
    ],
)
async def test_a_client_steers_among_the_places_of_its_model(door: str, wish: object, place: str) -> None:
    assert await went(PLACES, chat("m", KEY, provider=wish), door=door) == [place]


async def test_steering_fields_do_not_reach_an_upstream_that_does_not_declare_them(door: str) -> None:
    async with upstream(whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = PLACES.format(first.url, second.url).replace(
            "model: m, base_url", "steering: [priority], model: m, base_url", 1
        )
        body = (
            b'{ "priority": 3, "model":"m", "provider" : {"order": ["a"]}, "messages": [], "models": ["m"] , "x": 1.0}'
        )
        async with running(text, door) as gateway, connected(gateway.port) as client:
            assert (await client.ask(post("/v1/chat/completions", body, KEY))).status == 200
            assert (await client.ask(post("/v1/chat/completions", body.replace(b'["a"]', b'["b"]'), KEY))).status == 200
        assert first.calls[0].body == b'{ "priority": 3, "model":"m", "messages": [] , "x": 1.0}'
        assert second.calls[0].body == b'{ "model":"m", "messages": [] , "x": 1.0}'


async def test_models_are_fallbacks_in_order() -> None:
    async with upstream(error(500)) as first, upstream(whole(ANSWER)) as second:
        text = PLACES.format(first.url, second.url).replace("m: {deployments: [a, b]}", "m: {deployments: [a]}")
        async with running(text) as gateway, connected(gateway.port) as client:
            assert (await client.ask(chat("m", KEY))).status == 502
            reply = await client.ask(chat("m", KEY, models=["m", "n"]))
            assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "b")
            unnamed = post("/v1/chat/completions", b'{"models": ["n"], "messages": []}', KEY)
            assert (await client.ask(unnamed)).headers["x-cloverleaf-deployment"] == "b"


@pytest.mark.parametrize(
    ("fields", "status", "param", "word"),
    [
        ({"provider": {"only": ["elsewhere"]}}, 404, "provider", "provider"),
        ({"provider": {"base_url": "http://evil"}}, 400, "provider", "base_url"),
        ({"provider": {"api_key": "sk-evil"}}, 400, "provider", "api_key"),
        ({"provider": {"order": "a"}}, 400, "provider", "order"),
        ({"provider": {"sort": "looks"}}, 400, "provider", "looks"),
        ({"provider": 5}, 400, "provider", "object"),
        ({"models": "m"}, 400, "models", "array"),
        ({"models": ["m"] * 17}, 400, "models", "16"),
        ({"models": ["m", "hidden"]}, 403, "models", "hidden"),
        ({"models": ["m", "nothing"]}, 404, "models", "nothing"),
    ],
)
async def test_a_wish_that_cannot_be_is_refused_in_words(
    fields: dict[str, object], status: int, param: str, word: str
) -> None:
    (reply,) = await answers(PLACES, chat("m", KEY, **fields))
    told = reply.json["error"]
    assert (reply.status, told["param"]) == (status, param)
    assert word in told["message"]


# explanations


async def test_a_key_that_may_gets_the_decision_and_others_do_not(door: str) -> None:
    asked = "x-cloverleaf-explain: 1"
    told, plain, denied = await answers(
        PLACES,
        chat("m", KEY, asked),
        chat("m", KEY),
        chat("m", "authorization: Bearer sk-other", asked),
        door=door,
    )
    decision = msgspec.json.decode(told.headers["x-cloverleaf-decision"])
    assert (decision["model"], decision["policy"]) == ("m", "order")
    (row,) = [row for row in decision["considered"] if row["chosen"]]
    assert (row["deployment"], row["propensity"]) == (told.headers["x-cloverleaf-deployment"], 1.0)
    assert row["features"]["cost_usd"] > 0
    assert "x-cloverleaf-decision" not in {*plain.headers, *denied.headers}


async def test_a_streamed_answer_carries_its_decision_too() -> None:
    script, _ = good("chat", True)
    async with upstream(script) as up, running(PLACES.format(up.url, up.url)) as gateway:
        reply = await ask(gateway.port, chat("m", KEY, "x-cloverleaf-explain: 1", stream=True))
    assert msgspec.json.decode(reply.headers["x-cloverleaf-decision"])["model"] == "m"


@pytest.mark.parametrize(("share", "kept"), [("100%", 5), ("0%", 0)])
async def test_sampled_decisions_are_kept_with_what_became_of_them(share: str, kept: int) -> None:
    async with upstream(error(500)) as first, upstream(whole(ANSWER)) as second:
        text = PLACES.format(first.url, second.url) + f"telemetry: {{decisions: {share}}}\n"
        async with running(text) as gateway, connected(gateway.port) as client:
            for _ in range(5):
                await client.ask(chat("m", KEY))
            records = gateway.gateway.decisions.recent()
    assert len(records) == kept
    for record in records[:1]:
        assert next(row for row in record.decision.considered if row.chosen).deployment == "a"
        assert (record.actual.status, record.actual.deployment, record.actual.attempts) == (200, "b", 3)
        assert record.actual.duration is not None and record.actual.prompt_tokens == 1000
