"""Where a failure sends a request, beyond the next place: quota domains, other models, another engine."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.contracts.client import ask
from tests.contracts.scripted import ANSWER, Script, Upstream, error, upstream, whole
from tests.contracts.serving import Running, running
from tests.survive.speech import request

FAMILIES = ("chat", "completions", "embeddings")


@asynccontextmanager
async def places(text: str, *scripts: Script) -> AsyncIterator[tuple[Running, list[Upstream]]]:
    """A gateway before upstreams; ``text`` names their URLs {0}, {1} and so on."""
    async with AsyncExitStack() as stack:
        ups = [await stack.enter_async_context(upstream(script)) for script in scripts]
        for number, up in enumerate(ups):
            text = text.replace(f"{{{number}}}", up.url)
        yield await stack.enter_async_context(running(text)), ups


QUOTA = """
deployments:
  a: {provider: openai_compatible, model: m, base_url: "{0}", api_key: a, quota: shared}
  b: {provider: openai_compatible, model: m, base_url: "{1}", api_key: b, quota: shared}
  c: {provider: openai_compatible, model: m, base_url: "{2}", api_key: c}
models: {m: {deployments: [[a, b, c]]}}
"""


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_rate_limit_spares_every_place_of_its_quota(family: str) -> None:
    limited = error(429, "retry-after: 60")
    async with places(QUOTA, limited, limited, whole(ANSWER)) as (gateway, (a, b, c)):
        for _ in range(3):
            reply = await ask(gateway.port, request(family, False))
            assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "c")
    assert (len(a.calls) + len(b.calls), len(c.calls)) == (1, 3)


SPENT = """
deployments:
  a: {provider: openai_compatible, model: m, base_url: "{0}", api_key: same}
  b: {provider: openai_compatible, model: n, base_url: "{0}", api_key: same}
  c: {provider: openai_compatible, model: m, base_url: "{1}", api_key: other}
models: {m: {deployments: [a, b, c]}}
"""


@pytest.mark.parametrize("family", FAMILIES)
async def test_a_spent_account_spares_every_model_of_it(family: str) -> None:
    spent = error(429, code="insufficient_quota")
    async with places(SPENT, spent, whole(ANSWER)) as (gateway, (account, other)):
        for _ in range(3):
            assert (await ask(gateway.port, request(family, False))).status == 200
    assert (len(account.calls), len(other.calls)) == (1, 3)


OTHERS = """
deployments:
  small: {provider: openai_compatible, model: m, base_url: "{0}"}
  large: {provider: openai_compatible, model: m, base_url: "{1}", api_key: other}
models:
  m: {deployments: [small], %s: [long]}
  long: {deployments: [large]}
"""
REFUSALS = [
    ("context_window_fallbacks", "context_length_exceeded"),
    ("content_policy_fallbacks", "content_filter"),
]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("key", "code"), REFUSALS)
async def test_a_refusal_that_another_model_would_not_make_goes_to_it(family: str, key: str, code: str) -> None:
    async with places(OTHERS % key, error(400, code=code), whole(ANSWER)) as (gateway, (small, large)):
        reply = await ask(gateway.port, request(family, False))
    assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "large")
    assert (len(small.calls), len(large.calls)) == (1, 1)


@pytest.mark.parametrize(("key", "code"), [(key, code) for key, _ in REFUSALS for _, code in REFUSALS])
async def test_and_no_other_refusal_does(key: str, code: str) -> None:
    async with places(OTHERS % key, error(400, code=code), whole(ANSWER)) as (gateway, (_, large)):
        reply = await ask(gateway.port, request("chat", False))
    assert (reply.status == 200) == (len(large.calls) == 1) == ((key, code) in REFUSALS)


SHORT = """
defaults: {retry: {base: 10ms, cap: 20ms, max_retry_after: 2s}}
deployments: {a: {provider: openai_compatible, model: m, base_url: "{0}"}}
models: {m: {deployments: [a]}}
"""


async def test_a_storm_of_rate_limits_costs_bounded_attempts() -> None:
    async with places(SHORT, error(429, "retry-after-ms: 1")) as (gateway, (up,)):
        reply = await ask(gateway.port, request("chat", True))
    assert (reply.status, len(up.calls)) == (429, 3)
    assert reply.headers["x-cloverleaf-attempts"] == "3"
