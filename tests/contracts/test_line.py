"""A full pool. Rule: who finds it full waits in line: bounded, fair by key, and never for longer than it is worth."""

import asyncio

from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, Call, Upstream, silent, upstream, whole
from tests.contracts.serving import running, until


def config(up: Upstream, *, limit: int = 1, server: str = "{}", timeouts: str = "{}") -> str:
    return f"""
server: {server}
auth:
  keys:
    - {{name: a, key: key-a}}
    - {{name: b, key: key-b}}
    - {{name: urgent, key: key-u, priority: -5}}
deployments:
  d: {{provider: openai_compatible, model: m, base_url: "{up.url}", max_concurrency: {limit}, timeouts: {timeouts}}}
models: {{m: {{deployments: [d]}}}}
"""


def by(key: str, **fields: object) -> bytes:
    return chat("m", f"authorization: Bearer key-{key}", **fields)


class Gate:
    """Answers one call for each ``release``; ``order``: whose they were, by what they said."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(0)
        self.order: list[str] = []

    def release(self) -> None:
        self._turns.release()

    async def __call__(self, call: Call) -> None:
        self.order.append(call.body.decode().partition('"user":"')[2][:1])
        await self._turns.acquire()
        await whole(ANSWER)(call)


async def test_a_request_waits_for_a_place_and_is_told_how_long(door: str) -> None:
    gate = Gate()
    async with upstream(gate) as up, running(config(up), door) as gateway:
        first = asyncio.create_task(ask(gateway.port, by("a")))
        await until(lambda: up.calls)
        second = asyncio.create_task(ask(gateway.port, by("a")))
        await until(lambda: gateway.gateway.queue.waiting)
        assert len(up.calls) == 1
        gate.release()
        assert "x-cloverleaf-queue-ms" not in (await first).headers
        await until(lambda: len(up.calls) == 2)
        gate.release()
        reply = await second
        assert reply.status == 200
        assert float(reply.headers["x-cloverleaf-queue-ms"]) > 0
        assert float(reply.headers["x-cloverleaf-overhead-ms"]) < 1000, "a wait for a place is not ours"
        assert gateway.requests()[-1]["queued_ms"] > 0


async def test_the_line_is_bounded(door: str) -> None:
    async with (
        upstream(silent) as up,
        running(config(up, server="{max_queue: 1}"), door) as gateway,
        connected(gateway.port) as served,
        connected(gateway.port) as waits,
    ):
        served.send(by("a"))
        await until(lambda: up.calls)
        waits.send(by("a"))
        await until(lambda: gateway.gateway.queue.waiting)
        refused = await ask(gateway.port, by("b"))
        assert (refused.status, refused.json["error"]["code"]) == (429, "capacity_exceeded")
        assert int(refused.headers["retry-after"]) >= 1
        assert "max_concurrency" in refused.json["error"]["message"]


async def test_nobody_waits_longer_than_the_first_token_may_take(door: str) -> None:
    async with (
        upstream(silent) as up,
        running(config(up, timeouts="{ttft: 400ms}"), door) as gateway,
        connected(gateway.port) as served,
    ):
        served.send(by("a"))
        await until(lambda: up.calls)
        late = await ask(gateway.port, by("a", stream=True))
        assert (late.status, late.json["error"]["code"]) == (429, "capacity_exceeded")
        assert int(late.headers["retry-after"]) >= 1
        assert gateway.gateway.queue.waiting == 0
        assert len(up.calls) == 1


async def test_a_client_that_leaves_the_line_gives_its_turn_to_the_next(door: str) -> None:
    gate = Gate()
    async with (
        upstream(gate) as up,
        running(config(up), door) as gateway,
        connected(gateway.port) as leaver,
    ):
        first = asyncio.create_task(ask(gateway.port, by("a")))
        await until(lambda: up.calls)
        leaver.send(by("a"))
        await until(lambda: gateway.gateway.queue.waiting == 1)
        stays = asyncio.create_task(ask(gateway.port, by("b")))
        await until(lambda: gateway.gateway.queue.waiting == 2)
        leaver.leave()
        await until(lambda: gateway.gateway.queue.waiting == 1)
        gate.release()
        gate.release()
        assert [(await first).status, (await stays).status] == [200, 200]
        assert len(up.calls) == 2
        await until(lambda: not gateway.gateway.journeys)


async def test_a_key_with_many_requests_does_not_hold_up_one_with_few(door: str) -> None:
    gate = Gate()
    async with upstream(gate) as up, running(config(up), door) as gateway:
        asking = [asyncio.create_task(ask(gateway.port, by("a", user="0")))]
        await until(lambda: up.calls)
        for waiting, user in enumerate("aaab", 1):
            asking.append(asyncio.create_task(ask(gateway.port, by(user, user=user))))
            await until(lambda waiting=waiting: gateway.gateway.queue.waiting == waiting)  # type: ignore[misc]
        for _ in asking:
            gate.release()
        assert [(await each).status for each in asking] == [200] * 5
        assert gate.order.index("b") <= 2, gate.order


async def test_a_stopping_gateway_tells_those_in_line(door: str) -> None:
    async with upstream(silent) as up, running(config(up), door) as gateway, connected(gateway.port) as served:
        served.send(by("a"))
        await until(lambda: up.calls)
        waits = asyncio.create_task(ask(gateway.port, by("a")))
        await until(lambda: gateway.gateway.queue.waiting)
        await gateway.drain(0.1)
        assert (await waits).status == 503
        assert gateway.gateway.queue.waiting == 0


async def test_a_place_that_a_reload_adds_is_found(door: str) -> None:
    async with upstream(silent) as up, running(config(up), door) as gateway, connected(gateway.port) as served:
        served.send(by("a"))
        await until(lambda: up.calls)
        async with connected(gateway.port) as waits:
            waits.send(by("a"))
            await until(lambda: gateway.gateway.queue.waiting)
            (candidate,) = gateway.gateway.live.endpoints.by_deployment["d"]
            candidate.pool.in_flight -= 1  # as if somebody had left without a word
            await until(lambda: len(up.calls) == 2)
            candidate.pool.in_flight += 1


async def test_priority_goes_first_and_a_client_can_only_step_back(door: str) -> None:
    """Lower goes first; who asks for more than the key has is no better off, and what is no number is refused."""
    gate = Gate()
    async with upstream(gate) as up, running(config(up), door) as gateway:
        asking = [asyncio.create_task(ask(gateway.port, by("a", user="0")))]
        await until(lambda: up.calls)
        for key, user, fields in (
            ("a", "1", {"priority": 7}),
            ("b", "2", {"priority": -9}),  # 0, like its key
            ("a", "3", {"priority": 3}),
            ("u", "4", {}),
        ):
            asking.append(asyncio.create_task(ask(gateway.port, by(key, user=user, **fields))))
            await until(lambda: gateway.gateway.queue.waiting == len(asking) - 1)
        for _ in asking:
            gate.release()
        assert [(await each).status for each in asking] == [200] * 5
        assert gate.order == ["0", "4", "2", "3", "1"]
        refused = await ask(gateway.port, by("a", priority="high"))
        assert (refused.status, refused.json["error"]["param"]) == (400, "priority")
