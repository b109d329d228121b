"""Live state. Rule: what an attempt says of its endpoint and its quota domain changes the next snapshot."""

from collections.abc import Callable

import pytest

from gateway.state.live_state import LiveState
from gateway.state.shared import COOL, COOL_CREDENTIAL
from policies.load.breaker import State
from policies.load.candidate import Candidate
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Deployment, Request
from tests.gateway.state.world import following

PLACE = ("pool", "http://engine:8000")
POOL = Deployment("pool", "vllm", "m", frozenset({"chat"}))


def served(*urls: str, deployment: Deployment = POOL) -> tuple[LiveState, Candidate]:
    """A deployment of these endpoints, and the first of them."""
    live = following({deployment: urls or PLACE[1:]})
    return live, next(iter(live.endpoints.all.values()))


def fault(failure: Failure, **more: object) -> Fault:
    return Fault(failure, "seen", **more)  # type: ignore[arg-type]


def test_what_an_attempt_took_it_gives_back() -> None:
    live, place = served()
    live.counters.enter(place, 100, "chat", 0.0)
    assert (place.load.in_flight, place.load.in_flight_tokens, place.pool.in_flight) == (1, 100, 1)
    live.counters.leave(place, asked(100)[0])
    assert (place.load.in_flight, place.load.in_flight_tokens, place.pool.in_flight) == (0, 0, 0)


def test_state_is_found_again_after_a_reload() -> None:
    live, place = served()
    live.counters.observe(place, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    following({POOL: PLACE[1:]}, live=live)
    again = live.endpoints.all[PLACE]
    live.counters.observe(again, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    assert not again.load.available("chat", 1.0)


def test_a_pool_that_a_reload_drops_is_forgotten_once_nothing_is_under_way_there() -> None:
    """Its shadow price was shown among the metrics for ever."""
    live, gone = served()
    other = {Deployment("other", "vllm", "m", frozenset({"chat"})): ["http://engine:8001"]}
    live.counters.enter(gone, 100, "chat", 0.0)
    following(other, live=live)
    assert set(live.endpoints.pools) == {"pool", "other"}
    live.counters.leave(gone, asked(100)[0])
    following(other, live=live)
    assert set(live.endpoints.pools) == {"other"}


def test_a_family_that_errs_does_not_close_the_others() -> None:
    live, place = served()
    for _ in range(2):
        live.counters.observe(place, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    assert not place.load.available("chat", 1.0)
    assert place.load.available("embeddings", 1.0)


@pytest.mark.parametrize("failure", [Failure.RATE_LIMITED, Failure.BAD_REQUEST, Failure.CANCELLED, Failure.AUTH])
def test_what_is_not_the_endpoints_fault_opens_no_breaker(failure: Failure) -> None:
    live, place = served()
    for _ in range(50):
        live.counters.observe(place, "chat", fault(failure), 0.0, 0.0)
    assert place.load.available("chat", 0.0)


def test_a_probed_endpoint_that_refuses_connections_is_out_until_its_health_check_passes() -> None:
    live, place = served()
    live.counters.probed = {PLACE}
    live.counters.observe(place, "chat", fault(Failure.UNREACHABLE), 0.0, 0.0)
    assert not place.load.available("chat", 0.0)
    live.counters.healthy(PLACE, True)
    assert place.load.available("chat", 0.0)


def test_an_endpoint_nobody_probes_is_out_for_as_long_as_its_breaker_is_open() -> None:
    live, place = served()
    live.counters.observe(place, "chat", fault(Failure.UNREACHABLE), 0.0, 0.0)
    assert not place.load.available("chat", 9.0)
    assert place.load.available("chat", 10.0)


def test_a_half_open_probe_that_finds_nobody_there_does_not_close_the_endpoint_for_good() -> None:
    live, place = served()
    live.counters.probed = {PLACE}
    for _ in range(2):
        live.counters.observe(place, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    live.counters.enter(place, 1, "chat", 11.0)
    assert place.load.breakers["chat"].state is State.HALF_OPEN
    live.counters.observe(place, "chat", fault(Failure.UNREACHABLE), 11.0, 11.0)
    live.counters.healthy(PLACE, True)
    assert place.load.available("chat", 12.0)


def domains(*accounts: str) -> tuple[LiveState, list[Candidate]]:
    """A deployment of each account at one address, each with a quota of its own."""
    names = "abc"[: len(accounts)]
    made = (Deployment(n, "x", "m", frozenset(), account=a, quota=n) for n, a in zip(names, accounts, strict=True))
    live = following({each: ["http://cloud"] for each in made})
    return live, list(live.endpoints.all.values())


def test_a_rate_limit_cools_its_domain_for_as_long_as_it_says() -> None:
    live, (place, other) = domains("key", "key")
    live.counters.observe(place, "chat", fault(Failure.RATE_LIMITED, retry_after=7.0), 100.0, 100.0)
    assert (place.domain.cooled_until, other.domain.cooled_until) == (107.0, 0.0)
    live.counters.observe(other, "chat", fault(Failure.RATE_LIMITED), 100.0, 100.0)
    assert other.domain.cooled_until == 100.0 + COOL


def test_a_spent_quota_cools_everything_on_the_same_credential() -> None:
    live, (place, same, foreign) = domains("key", "key", "its own")
    live.counters.observe(place, "chat", fault(Failure.RATE_LIMITED, credential=True), 100.0, 100.0)
    assert same.domain.cooled_until == place.domain.cooled_until == 100.0 + COOL_CREDENTIAL
    assert foreign.domain.cooled_until == 0.0


def test_tokens_are_estimated_by_what_usage_has_taught() -> None:
    live = LiveState()
    assert live.estimates.estimate("m", 4000) == 1001
    for _ in range(200):
        live.estimates.learn("m", 2000, 1000)
    assert live.estimates.estimate("m", 4000) == pytest.approx(2000, rel=0.01)
    assert live.estimates.estimate("other", 4000) == 1001


# what caches are believed to hold


def asked(prompt: int = 1000, blocks: tuple[int, ...] = (1, 2, 3), seed: int = 1) -> tuple[Request, tuple[int, ...]]:
    return Request("chat", "m", True, prompt, 0.0, seed), blocks


def sent(live: LiveState, place: Candidate, seed: int = 1) -> Request:
    request = live.caches.placed(*asked(seed=seed), 300.0)
    live.counters.hold(place, request, 0.0)
    return request


def test_a_prompt_that_was_sent_is_believed_to_be_held() -> None:
    live, place = served()
    first = sent(live, place)
    assert first.matched == {}
    assert place.load.backlog.at(0.0) == 1000
    again = sent(live, place, seed=2)
    assert again.matched == {PLACE: 900}
    assert place.load.backlog.at(0.0) == 1100


def test_what_is_owed_is_given_back_when_content_comes_or_never_will() -> None:
    live, place = served()
    first, second = sent(live, place), sent(live, place, seed=2)
    live.counters.computed(place, first, True, 1.0)
    live.counters.computed(place, second, False, 1.0)
    live.counters.computed(place, second, False, 2.0)
    assert place.load.backlog.at(2.0) == 0


def test_no_more_is_believed_held_than_the_engine_says_it_has_room_for() -> None:
    live, place = served()
    live.counters.scraped(PLACE, EngineLoad(kv_tokens=600.0), 0.0)
    sent(live, place)
    assert live.caches.placed(*asked(), 300.0).matched == {PLACE: 600}


@pytest.mark.parametrize(
    "lost",
    [
        lambda live: live.counters.healthy(PLACE, False),
        lambda live: live.counters.scraped(PLACE, EngineLoad(sleeping=True), 1.0),
        lambda live: live.counters.scraped(PLACE, EngineLoad(prefix_queries=5.0), 1.0),
    ],
    ids=["down", "asleep", "counting from zero again"],
)
def test_an_engine_that_lost_its_cache_holds_nothing(lost: Callable[[LiveState], None]) -> None:
    live, place = served()
    live.counters.scraped(PLACE, EngineLoad(prefix_queries=1000.0), 0.0)
    sent(live, place)
    live.counters.scraped(PLACE, EngineLoad(prefix_queries=2000.0), 0.5)
    assert live.caches.placed(*asked(), 300.0).matched == {PLACE: 900}
    lost(live)
    assert live.caches.placed(*asked(), 300.0).matched == {}
