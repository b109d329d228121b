"""slo_cost's guards: each way in which a predictor that feeds on its own choices goes wrong, and what holds it."""

import random
from collections import Counter

import pytest

from gateway.state.live_state import LiveState
from policies.learning.slo.objective import rank
from policies.load.candidate import Candidate
from policies.selection.explain import DRAWS, explain
from policies.selection.foretell import foretold
from policies.selection.model import Model, Snapshot
from policies.selection.plan import plan
from policies.selection.scorers.slo_cost import EXPLORE
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Price, Request, Usage
from tests.policies.world import NOW, ask, fault, model, place, pool, world

PROMPT, OUTPUT = 1000, 100


class Served:
    """A pool of engines and a cloud under slo_cost, and the ledger that learns of them; time is an argument."""

    def __init__(self, engines: int = 2, quick: float = 0.2, cloud: bool = True) -> None:
        self.live = LiveState()
        self.gpus = pool("gpu", engines, own=True)
        self.clouds = [place("cloud", price=Price(0.5, 1.5))] if cloud else []
        self.model: Model = model("m", [*self.gpus, *self.clouds], kind="slo_cost")  # one tier: it ranks them all
        self.live.loads = {c.id: c.load for c in (*self.gpus, *self.clouds)}
        self.live.foresight.keep([self.model])
        self.draw = random.Random(1)
        for n in range(60 * engines):
            self.answered(self.gpus[n % engines], NOW - 100 + n / engines, quick)

    @property
    def target(self):  # type: ignore[no-untyped-def]
        return self.live.foresight._models["m"].target

    def ask(self, now: float, **more: object) -> Request:
        seed = self.draw.getrandbits(64)
        asked = ask(seed, prompt_tokens=PROMPT, stream=True, received=now, **more)
        return self.live.foreseen(asked, self.model)

    def sent(self, candidate: Candidate, now: float, **more: object) -> Request:
        request = self.ask(now, **more)
        self.live.enter(candidate, PROMPT, "chat", now)
        self.live.hold(candidate, request, now)
        return request

    def came(self, candidate: Candidate, request: Request, now: float) -> None:
        self.live.committed(candidate, request, now - request.received, request.received, now)

    def ended(self, candidate: Candidate, request: Request, now: float, tokens: int = OUTPUT) -> None:
        self.live.answered(candidate, request, Usage(PROMPT, tokens, 0, "upstream"), request.received, now)
        self.live.leave(candidate, request)

    def answered(self, candidate: Candidate, now: float, first: float) -> None:
        request = self.sent(candidate, now)
        first *= self.draw.uniform(0.9, 1.1)
        self.came(candidate, request, now + first)
        self.ended(candidate, request, now + first + 0.02 * OUTPUT)

    def first(self, candidate: Candidate, now: float = NOW) -> float:
        found = foretold(self.ask(now), candidate, self.target, now)
        assert found is not None
        return found.first.seconds

    def chosen(self, now: float, draws: int, **more: object) -> "Counter[str]":
        """By url, of so many requests that differ in their seed alone."""
        found: Counter[str] = Counter()
        for _ in range(draws):
            candidate = plan(self.ask(now, **more), self.model, Snapshot(now, {"m": self.model})).candidate
            assert candidate is not None
            found[candidate.id[1]] += 1
        return found


def test_an_attempt_older_than_its_own_95th_percentile_makes_its_endpoint_slow_before_its_answer_comes() -> None:
    served = Served()
    one, other = served.gpus
    served.sent(one, NOW)
    usual = served.first(one, NOW + 0.1)
    assert served.first(one, NOW + 3.0) > 3 * usual
    assert served.chosen(NOW + 3.0, 100)[other.id[1]] > 90


def test_a_short_answer_may_miss_its_pace_too_though_it_teaches_none() -> None:
    served = Served()
    one, verdicts = served.gpus[0], served.live.foresight.verdicts
    assert one.load.predictor is not None
    paces = one.load.predictor.hardware.each.calibration
    for n, seconds in enumerate((0.05, 1.0)):
        request = served.sent(one, NOW)
        served.came(one, request, NOW + 0.2)
        before, learned = verdicts()["m"].missed, paces.seen
        served.ended(one, request, NOW + 0.2 + 2 * seconds, tokens=3)
        assert verdicts()["m"].missed - before == n and paces.seen == learned


def test_older_answers_under_way_do_not_hide_an_attempt_that_is_silent() -> None:
    served = Served()
    one, _ = served.gpus
    early = served.sent(one, NOW - 1)
    served.came(one, early, NOW - 0.8)
    served.sent(one, NOW)
    assert served.first(one, NOW + 3.0) > 3 * served.first(one, NOW + 0.1)


def test_what_was_sent_since_the_last_scrape_is_credited_at_once() -> None:
    served = Served()
    one, other = served.gpus
    for each in served.gpus:
        served.live.scraped(each.id, EngineLoad(running=0.0, waiting=0.0), NOW)
    before = served.first(one)
    for _ in range(6):
        served.sent(one, NOW)
    assert served.first(one) > before * 2, "the scrape still says that it is idle"
    assert served.chosen(NOW, 100)[other.id[1]] > 90


def test_an_endpoint_that_fails_fast_does_not_look_idle() -> None:
    served = Served()
    broken, sound = served.gpus
    for n in range(10):
        at = NOW + n
        request = served.sent(broken, at)
        served.live.failed(broken, request, fault(Failure.UNREACHABLE), 30.0, at + 0.001)
        served.live.leave(broken, request)
    assert served.first(broken, NOW + 10) > 3 * served.first(sound, NOW + 10)
    assert served.chosen(NOW + 10, 100)[broken.id[1]] < 5


def test_an_attempt_cut_off_early_says_nothing() -> None:
    served = Served()
    one, other = served.gpus
    for n in range(10):
        request = served.sent(one, NOW + n)
        served.live.failed(one, request, Fault(Failure.CANCELLED, ""), 30.0, NOW + n + 0.01)
        served.live.leave(one, request)
    assert served.first(one, NOW + 10) == pytest.approx(served.first(other, NOW + 10), rel=0.3)


@pytest.mark.parametrize("seen", ["down", "counts anew"])
def test_a_restarted_engine_is_a_new_one_that_takes_after_its_siblings(seen: str) -> None:
    served = Served()
    slow, sibling = served.gpus
    served.live.scraped(slow.id, EngineLoad(prefix_queries=500.0), NOW)
    for n in range(60):
        served.answered(slow, NOW + n, 2.0)
    at = NOW + 65
    predictor = slow.load.predictor
    assert predictor is not None and served.first(slow, at) > 2 * served.first(sibling, at)
    if seen == "down":
        served.live.healthy(slow.id, False)
    else:
        served.live.scraped(slow.id, EngineLoad(prefix_queries=3.0), at)
    assert predictor.factor(at) == 1.0 and not any(predictor.bands), "its siblings' word is taken, widely"


def test_other_gateways_load_is_what_was_scraped_less_our_own() -> None:
    served = Served()
    one, other = served.gpus
    for _ in range(2):
        served.sent(one, NOW)
    served.live.scraped(one.id, EngineLoad(running=8.0, waiting=4.0), NOW)
    served.live.scraped(other.id, EngineLoad(running=0.0, waiting=0.0), NOW)
    found = foretold(served.ask(NOW), one, served.target, NOW)
    assert found is not None
    met = found.situation
    assert met.others == pytest.approx(10) and met.running + met.waiting == pytest.approx(12)
    assert met.ahead > 3 * PROMPT
    stale = foretold(served.ask(NOW + 60), one, served.target, NOW + 60)
    assert stale is not None and stale.situation.others == 0, "what is stale is unknown, not zero and not saturated"


def test_several_gateways_do_not_herd_on_the_endpoint_that_looks_a_little_better() -> None:
    served = Served(engines=4, cloud=False)
    for n, each in enumerate(served.gpus):
        served.live.scraped(each.id, EngineLoad(running=2.0 + 0.01 * n, waiting=0.0), NOW)
    chosen = served.chosen(NOW, 400)
    assert min(chosen[each.id[1]] for each in served.gpus) > 60, "within one standard deviation it is chance"


def test_where_we_are_alone_the_better_one_is_taken() -> None:
    served = Served(engines=2)
    one, other = served.gpus
    served.sent(one, NOW)
    assert served.chosen(NOW, 200)[other.id[1]] > 180


def test_a_conversation_spills_as_a_unit() -> None:
    """Between two clouds of nearly one price it stays where its last turn was answered."""
    served = Served(engines=1)
    twin = place("twin", price=Price(0.55, 1.6))
    served.model = model("m", [*served.clouds, twin], kind="slo_cost")
    served.live.foresight.keep([served.model])
    request = served.sent(twin, NOW, conversation=77)
    served.came(twin, request, NOW + 0.5)
    served.ended(twin, request, NOW + 2)
    assert served.chosen(NOW + 3, 200, conversation=77)["http://twin"] > 190
    assert served.chosen(NOW + 3, 200, conversation=78)["http://cloud"] > 190


def test_one_request_in_a_hundred_explores_and_its_propensity_is_in_the_record() -> None:
    served = Served(engines=3)
    for _ in range(3):
        served.sent(served.gpus[0], NOW)
    draws = 60 * EXPLORE
    others = draws - max(served.chosen(NOW, draws).values())
    assert 0.3 * 60 < others < 1.3 * 60, "of those that explore some draw the best place"
    record = explain(served.ask(NOW), served.model, world(served.model))
    odds = {row.endpoint: row.propensity for row in record.considered}
    assert sum(odds.values()) == pytest.approx(1.0)
    assert odds["http://cloud"] < 8 / DRAWS and max(odds.values()) > 0.95


def test_what_cannot_be_in_time_even_at_best_is_not_explored() -> None:
    served = Served(engines=2)
    hopeless, _ = served.gpus
    for _ in range(40):
        served.sent(hopeless, NOW)
    assert served.chosen(NOW, 20 * EXPLORE)[hopeless.id[1]] == 0


def test_costs_within_five_percent_tie_and_the_lighter_burden_wins() -> None:
    near = rank([1.00, 1.04], [0.0, 0.0], [2.0, 1.0], 0.0)
    far = rank([1.00, 1.10], [0.0, 0.0], [2.0, 1.0], 0.0)
    assert near[1] > near[0] and far[0] > far[1]


def test_callers_that_allow_much_are_told_from_those_that_allow_little() -> None:
    live, places = LiveState(), pool("gpu", 1, own=True)
    asked = model("m", places, kind="slo_cost")
    live.loads = {c.id: c.load for c in places}
    live.foresight.keep([asked])

    def foreseen(max_tokens: int | None, seed: int = 0) -> Request:
        return live.foreseen(ask(seed, max_tokens=max_tokens, stream=True), asked)

    for n in range(200):
        allowed, tokens = ((20, 10), (4000, 800))[n % 2]
        request = foreseen(allowed, n + 1)
        live.enter(places[0], 10, "chat", NOW)
        live.hold(places[0], request, NOW)
        live.committed(places[0], request, 0.1, NOW, NOW + 0.1)
        live.answered(places[0], request, Usage(10, tokens, 0, "upstream"), NOW, NOW + 1)
        live.leave(places[0], request)
    assert foreseen(20).expected_output <= 14
    assert 600 <= foreseen(4000).expected_output <= 1000
    assert 300 <= foreseen(None).expected_output <= 500, "who says nothing gets the model's own mean"
    assert foreseen(16).expected_output <= 16, "never more than is allowed"
