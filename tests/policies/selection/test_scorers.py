"""Scorers: laws that all keep, and what each prefers."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import LatencyPredictor, LoadFeatures, hardware
from policies.load.candidate import Candidate
from policies.selection.scorers import (
    SCORERS,
    Cost,
    HotCold,
    KvHeadroom,
    LeastBusy,
    PeakEwma,
    PredictedLatency,
    PrefixAffinity,
    Quality,
    Session,
    Throughput,
    TokenLoad,
)
from policies.selection.scorers.quality import Difficulty
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Price
from tests.policies.world import NOW, ask, place, pool

counts = st.integers(0, 300)
endpoints = st.lists(
    st.tuples(
        counts, counts, st.none() | st.floats(0.01, 60), st.none() | st.floats(0, 1), st.sampled_from([None, 0, 5])
    ),
    min_size=1,
    max_size=9,
)


def timed(candidate: Candidate, seconds: float, at: float = NOW, in_flight: int = 0) -> None:
    speed = candidate.load.speed = candidate.load.speed or Speed()
    speed.observe(True, seconds, in_flight, at)
    speed.observe(False, seconds, in_flight, at)
    speed.token.observe(seconds, in_flight, at)


def kv(candidate: Candidate, usage: float, at: float = NOW) -> None:
    candidate.load.scraped = EngineLoad(running=0.0, waiting=0.0, kv_usage=usage)
    candidate.load.scraped_at = at
    candidate.load.own_at_scrape = candidate.load.in_flight


def best(scores: list[float]) -> int:
    return scores.index(max(scores))


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda each: each.__name__)
@given(given=endpoints, talk=st.integers(0, 2**64 - 1))
def test_scores_lie_between_nought_and_one_and_the_best_is_one(scorer, given, talk) -> None:  # type: ignore[no-untyped-def]
    places = []
    for n, (flying, tokens, seconds, usage, price) in enumerate(given):
        one = place(f"d{n}", price=None if price is None else Price(price, price), own=n % 3 == 0)
        one.load.in_flight, one.load.in_flight_tokens = flying, tokens
        if seconds is not None:
            timed(one, seconds)
        if usage is not None:
            kv(one, usage)
        places.append(one)
    request = ask(conversation=talk, matched={places[0].id: 5} if talk % 2 else None)
    scores = scorer().score(request, places, NOW)
    assert len(scores) == len(places)
    assert max(scores) == pytest.approx(1.0)
    assert min(scores) >= 0.0
    assert scorer().signal(request, places, NOW) in Signal


@pytest.mark.parametrize("scorer", SCORERS, ids=lambda each: each.__name__)
def test_equals_score_alike(scorer) -> None:  # type: ignore[no-untyped-def]
    """But for `session`, which tells conversations apart, and `listed`, which tells deployments apart."""
    for one in (places := pool("a", 5)):
        timed(one, 0.5)
        kv(one, 0.5)
    assert len(set(scorer().score(ask(), places, NOW))) == 1


def test_peak_ewma_weighs_latency_by_load() -> None:
    quick, slow = pool("a", 2)
    timed(quick, 0.1)
    timed(slow, 0.4)
    assert PeakEwma().score(ask(), [quick, slow], NOW) == [1.0, 0.25]
    quick.load.in_flight = 7
    assert best(PeakEwma().score(ask(), [quick, slow], NOW)) == 1


def test_an_endpoint_without_samples_is_taken_for_its_siblings() -> None:
    first, second, new, elsewhere = [*pool("a", 3), place("b")]
    timed(first, 0.2)
    timed(second, 0.4)
    timed(elsewhere, 9.0)
    scores = PeakEwma().score(ask(), [first, second, new, elsewhere], NOW)
    assert scores[2] == pytest.approx(0.2 / 0.3)


def test_a_slow_endpoint_is_tried_again_when_it_was_long_not_heard_of() -> None:
    slow, other = pool("a", 2)
    timed(slow, 5.0, at=NOW - 600)
    timed(other, 0.2)
    assert PeakEwma().score(ask(), [slow, other], NOW)[0] > 0.5


def test_what_a_crowd_does_is_foreseen_before_the_first_answer_tells() -> None:
    """After some picks are counted, the quicker place no longer looks quick."""
    quick, slow = pool("a", 2)
    timed(quick, 0.1)
    timed(slow, 0.3)
    assert best(PredictedLatency().score(ask(), [quick, slow], NOW)) == 0
    quick.load.in_flight = 4
    assert best(PredictedLatency().score(ask(), [quick, slow], NOW)) == 1


def test_a_predictor_goes_before_what_was_learned_if_every_candidate_has_one() -> None:
    quick, slow = pool("a", 2)
    timed(quick, 0.9)
    timed(slow, 0.1)
    shared, stream = hardware(cloud=False), ask(stream=True)
    quick.load.predictor = LatencyPredictor(shared)
    assert PredictedLatency().signal(stream, [quick, slow], NOW) is Signal.LEARNED
    slow.load.predictor = LatencyPredictor(shared)
    for _ in range(30):
        told = slow.load.predictor.first_token(LoadFeatures(100), NOW)
        slow.load.predictor.observe_silence(LoadFeatures(100), told, 9.0, NOW)
    assert PredictedLatency().signal(stream, [quick, slow], NOW) is Signal.PREDICTED
    assert best(PredictedLatency().score(stream, [quick, slow], NOW)) == 0
    assert PredictedLatency().signal(ask(), [quick, slow], NOW) is Signal.LEARNED, "predictors know of streams alone"


def test_a_place_that_was_slow_is_asked_again_by_one_stream_in_a_hundred() -> None:
    quick, slow = [*pool("a", 1), place("b")]
    for one, seconds in ((quick, 0.1), (slow, 9.0)):
        one.load.predictor = LatencyPredictor(hardware(cloud=True))
        for _ in range(40):
            told = one.load.predictor.first_token(LoadFeatures(100), NOW)
            one.load.predictor.observe_first(LoadFeatures(100), told, seconds, NOW)
    assert asked(slow, quick, NOW + 30) == 0
    quick.load.predictor.heard = NOW + 120  # type: ignore[union-attr]
    assert 20 < asked(slow, quick, NOW + 120) < 80


def asked(one: Candidate, other: Candidate, now: float, times: int = 4000) -> int:
    """How many of so many streams would go to the first rather than to the second."""
    scores = (PredictedLatency().score(ask(n, stream=True), [one, other], now) for n in range(times))
    return sum(best(each) == 0 for each in scores)


def test_the_ladder_ends_at_our_own_count() -> None:
    first, second = pool("a", 2)
    first.load.in_flight = 3
    for scorer in (PeakEwma(), PredictedLatency(), Throughput(), HotCold(), LeastBusy(), KvHeadroom(), TokenLoad()):
        assert scorer.signal(ask(), [first, second], NOW) is Signal.IN_FLIGHT
    for one in (first, second):
        kv(one, 0.5)
    assert LeastBusy().signal(ask(), [first, second], NOW) is Signal.SCRAPED
    assert PeakEwma().signal(ask(), [first, second], NOW) is Signal.SCRAPED


def test_token_load_counts_tokens_and_not_requests() -> None:
    few, many = pool("a", 2)
    few.load.in_flight, few.load.in_flight_tokens = 9, 900
    many.load.in_flight, many.load.in_flight_tokens = 1, 100_000
    assert best(TokenLoad().score(ask(), [few, many], NOW)) == 0


def test_kv_headroom_counts_what_was_sent_since_the_scrape() -> None:
    """Between two scrapes a burst must not go to one place."""
    places = pool("a", 4)
    for one in places:
        kv(one, 0.2)
    for _ in range(40):
        scores = KvHeadroom().score(ask(), places, NOW + 1)
        places[best(scores)].load.in_flight += 1
    assert [one.load.in_flight for one in places] == [10] * 4


def test_one_stale_scrape_makes_kv_headroom_compare_tokens() -> None:
    full, unknown = pool("a", 2)
    kv(full, 0.99)
    kv(unknown, 0.0, at=NOW - 60)
    unknown.load.in_flight_tokens = 500
    assert best(KvHeadroom().score(ask(), [full, unknown], NOW)) == 0


def test_cost_counts_prompt_answer_and_what_is_cached() -> None:
    own, cheap, dear = place("own", own=True), place("cheap", price=Price(1, 1)), place("dear", price=Price(10, 1))
    unknown = place("unknown")
    request = ask(prompt_tokens=1000, expected_output=0)
    assert Cost().score(request, [own, cheap, dear, unknown], NOW) == [1.0, 0.9, 0.0, 0.0]
    assert Cost().score(request, [cheap, dear], NOW) == [1.0, pytest.approx(0.1)]
    cached = place("cached", price=Price(10, 1, 0.5))
    held = ask(prompt_tokens=1000, expected_output=0, matched={cached.id: 1000})
    assert best(Cost().score(held, [cheap, cached], NOW)) == 1


def test_the_answers_share_of_the_cost_is_bounded_by_max_tokens() -> None:
    talker, reader = place("talker", price=Price(1, 100)), place("reader", price=Price(5, 5))
    request = ask(prompt_tokens=1000, expected_output=500)
    assert best(Cost().score(request, [talker, reader], NOW)) == 1
    assert best(Cost().score(msgspec.structs.replace(request, max_tokens=1), [talker, reader], NOW)) == 0


def test_prefix_affinity_prefers_where_the_prompt_is_held() -> None:
    places = pool("a", 3)
    request = ask(prompt_tokens=1000, matched={places[1].id: 900, places[2].id: 400})
    assert PrefixAffinity().score(request, places, NOW) == [pytest.approx(0.1), 1.0, pytest.approx(0.5)]
    assert PrefixAffinity().signal(request, places, NOW) is Signal.PREFIX
    assert PrefixAffinity().signal(ask(conversation=5), places, NOW) is Signal.SESSION


def test_only_the_conversations_of_a_place_that_goes_move() -> None:
    places = pool("a", 5)
    before = {talk: best(Session().score(ask(conversation=talk), places, NOW)) for talk in range(1, 500)}
    gone = places.pop()
    after = {talk: best(Session().score(ask(conversation=talk), places, NOW)) for talk in before}
    assert gone.id not in {one.id for one in places}
    assert all(before[talk] == after[talk] for talk in before if before[talk] != 4)
    assert {after[talk] for talk in before if before[talk] == 4} == {0, 1, 2, 3}


def test_hot_places_come_after_cold_ones_however_quick() -> None:
    hot, cold, slower = pool("a", 3)
    for one, seconds, flying in ((hot, 0.01, 30), (cold, 0.5, 2), (slower, 0.9, 1)):
        timed(one, seconds, in_flight=flying)
        one.load.in_flight = flying
    scores = HotCold().score(ask(), [hot, cold, slower], NOW)
    assert scores[1] == 1.0 and scores[0] < 0.5 < scores[2] < 1.0


@pytest.mark.parametrize(
    ("difficulty", "scores"),
    [(0.9, [0.0, 0.0, 1.0]), (0.5, [1.0, 1.0, 0.0]), (0.1, [1.0, 1.0, 0.0]), (None, [1, 1, 0])],
)
def test_quality_sends_what_lies_above_the_threshold_to_the_strong(
    difficulty: float | None, scores: list[float]
) -> None:
    places = [place("a"), place("b"), place("big")]
    request = ask(difficulty=difficulty, threshold=0.5)
    assert Quality(difficulty=Difficulty(strong=("big",))).score(request, places, NOW) == scores


def test_quality_takes_what_is_left_where_one_side_has_no_place() -> None:
    hard = ask(difficulty=0.9, threshold=0.5)
    assert Quality(difficulty=Difficulty(strong=("big",))).score(hard, [place("a"), place("b")], NOW) == [1.0, 1.0]
    assert Quality(difficulty=Difficulty(strong=("big",))).score(ask(), [place("big")], NOW) == [1.0]
