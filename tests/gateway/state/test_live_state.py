"""Live state. Rule: what an attempt says of its endpoint and its quota domain changes the next snapshot."""

from collections.abc import Callable

import pytest

from gateway.state.live_state import COOL, COOL_CREDENTIAL, LiveState
from policies.load.breaker import BreakerRules, State
from policies.load.candidate import Candidate
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Deployment, Request

RULES = BreakerRules(failures=2, open_for=10.0)
PLACE = ("pool", "http://engine:8000")


def candidate(live: LiveState, id: tuple[str, str] = PLACE, domain: str = "one", credential: str = "key") -> Candidate:
    deployment = Deployment(id[0], "vllm", "m", frozenset({"chat"}))
    return Candidate(id, deployment, live.load(id, RULES), live.domain(domain, credential, 0.2), live.pool(id[0]))


def fault(failure: Failure, **more: object) -> Fault:
    return Fault(failure, "seen", **more)  # type: ignore[arg-type]


def test_what_an_attempt_took_it_gives_back() -> None:
    live = LiveState()
    place = candidate(live)
    live.enter(place, 100, "chat", 0.0)
    assert (place.load.in_flight, place.load.in_flight_tokens, place.pool.in_flight) == (1, 100, 1)
    live.leave(place, asked(100)[0])
    assert (place.load.in_flight, place.load.in_flight_tokens, place.pool.in_flight) == (0, 0, 0)


def test_state_is_found_again_by_name() -> None:
    live = LiveState()
    live.observe(candidate(live), "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    live.observe(candidate(live), "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    assert not candidate(live).load.available("chat", 1.0)


def test_a_pool_that_a_reload_drops_is_forgotten_once_nothing_is_under_way_there() -> None:
    """Its shadow price was shown among the metrics for ever."""
    live = LiveState()
    gone, here = candidate(live), candidate(live, ("other", "http://engine:8001"))
    live.enter(gone, 100, "chat", 0.0)
    live.forget({here.id})
    assert set(live.pools) == {"pool", "other"}
    live.leave(gone, asked(100)[0])
    live.forget({here.id})
    assert set(live.pools) == {"other"}


def test_a_family_that_errs_does_not_close_the_others() -> None:
    live = LiveState()
    place = candidate(live)
    for _ in range(2):
        live.observe(place, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    assert not place.load.available("chat", 1.0)
    assert place.load.available("embeddings", 1.0)


@pytest.mark.parametrize("failure", [Failure.RATE_LIMITED, Failure.BAD_REQUEST, Failure.CANCELLED, Failure.AUTH])
def test_what_is_not_the_endpoints_fault_opens_no_breaker(failure: Failure) -> None:
    live = LiveState()
    place = candidate(live)
    for _ in range(50):
        live.observe(place, "chat", fault(failure), 0.0, 0.0)
    assert place.load.available("chat", 0.0)


def test_a_probed_endpoint_that_refuses_connections_is_out_until_its_health_check_passes() -> None:
    live = LiveState()
    place = candidate(live)
    live.probed = {PLACE}
    live.observe(place, "chat", fault(Failure.UNREACHABLE), 0.0, 0.0)
    assert not place.load.available("chat", 0.0)
    live.healthy(PLACE, True)
    assert place.load.available("chat", 0.0)


def test_an_endpoint_nobody_probes_is_out_for_as_long_as_its_breaker_is_open() -> None:
    live = LiveState()
    place = candidate(live)
    live.observe(place, "chat", fault(Failure.UNREACHABLE), 0.0, 0.0)
    assert not place.load.available("chat", 9.0)
    assert place.load.available("chat", 10.0)


def test_a_half_open_probe_that_finds_nobody_there_does_not_close_the_endpoint_for_good() -> None:
    live = LiveState()
    place = candidate(live)
    live.probed = {PLACE}
    for _ in range(2):
        live.observe(place, "chat", fault(Failure.SERVER_ERROR), 0.0, 0.0)
    live.enter(place, 1, "chat", 11.0)
    assert place.load.breakers["chat"].state is State.HALF_OPEN
    live.observe(place, "chat", fault(Failure.UNREACHABLE), 11.0, 11.0)
    live.healthy(PLACE, True)
    assert place.load.available("chat", 12.0)


def test_a_rate_limit_cools_its_domain_for_as_long_as_it_says() -> None:
    live = LiveState()
    place, other = candidate(live), candidate(live, ("other", "http://b"), "two", "key")
    live.observe(place, "chat", fault(Failure.RATE_LIMITED, retry_after=7.0), 100.0, 100.0)
    assert (place.domain.cooled_until, other.domain.cooled_until) == (107.0, 0.0)
    live.observe(other, "chat", fault(Failure.RATE_LIMITED), 100.0, 100.0)
    assert other.domain.cooled_until == 100.0 + COOL


def test_a_spent_quota_cools_everything_on_the_same_credential() -> None:
    live = LiveState()
    place, same, foreign = (candidate(live, (n, n), n, c) for n, c in (("a", "key"), ("b", "key"), ("c", "its own")))
    live.observe(place, "chat", fault(Failure.RATE_LIMITED, credential=True), 100.0, 100.0)
    assert same.domain.cooled_until == place.domain.cooled_until == 100.0 + COOL_CREDENTIAL
    assert foreign.domain.cooled_until == 0.0


def test_tokens_are_estimated_by_what_usage_has_taught() -> None:
    live = LiveState()
    assert live.estimate("m", 4000) == 1001
    for _ in range(200):
        live.learn("m", 2000, 1000)
    assert live.estimate("m", 4000) == pytest.approx(2000, rel=0.01)
    assert live.estimate("other", 4000) == 1001


# what caches are believed to hold


def asked(prompt: int = 1000, blocks: tuple[int, ...] = (1, 2, 3), seed: int = 1) -> tuple[Request, tuple[int, ...]]:
    return Request("chat", "m", True, prompt, 0.0, seed), blocks


def sent(live: LiveState, place: Candidate, seed: int = 1) -> Request:
    request = live.placed(*asked(seed=seed), 300.0)
    live.hold(place, request, 0.0)
    return request


def test_a_prompt_that_was_sent_is_believed_to_be_held() -> None:
    live = LiveState()
    place = candidate(live)
    first = sent(live, place)
    assert first.matched == {}
    assert place.load.backlog.at(0.0) == 1000
    again = sent(live, place, seed=2)
    assert again.matched == {PLACE: 900}
    assert place.load.backlog.at(0.0) == 1100


def test_what_is_owed_is_given_back_when_content_comes_or_never_will() -> None:
    live = LiveState()
    place = candidate(live)
    first, second = sent(live, place), sent(live, place, seed=2)
    live.computed(place, first, True, 1.0)
    live.computed(place, second, False, 1.0)
    live.computed(place, second, False, 2.0)
    assert place.load.backlog.at(2.0) == 0


def test_no_more_is_believed_held_than_the_engine_says_it_has_room_for() -> None:
    live = LiveState()
    place = candidate(live)
    live.scraped(PLACE, EngineLoad(kv_tokens=600.0), 0.0)
    sent(live, place)
    assert live.placed(*asked(), 300.0).matched == {PLACE: 600}


@pytest.mark.parametrize(
    "lost",
    [
        lambda live: live.healthy(PLACE, False),
        lambda live: live.scraped(PLACE, EngineLoad(sleeping=True), 1.0),
        lambda live: live.scraped(PLACE, EngineLoad(prefix_queries=5.0), 1.0),
    ],
    ids=["down", "asleep", "counting from zero again"],
)
def test_an_engine_that_lost_its_cache_holds_nothing(lost: Callable[[LiveState], None]) -> None:
    live = LiveState()
    place = candidate(live)
    live.scraped(PLACE, EngineLoad(prefix_queries=1000.0), 0.0)
    sent(live, place)
    live.scraped(PLACE, EngineLoad(prefix_queries=2000.0), 0.5)
    assert live.placed(*asked(), 300.0).matched == {PLACE: 900}
    lost(live)
    assert live.placed(*asked(), 300.0).matched == {}
