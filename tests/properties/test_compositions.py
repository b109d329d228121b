"""Any composition of parts decides: within its filters, the same for the same draw, and as its record says."""

from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.catalog.policy_compiler import fitted, named
from gateway.config import Config
from gateway.config.policy import PolicySpec
from policies.learning.learners.rate import Rates
from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import LatencyPredictor, hardware
from policies.load.candidate import Candidate, Pool
from policies.selection.explain import explain
from policies.selection.filters import FILTERS, Tagged, WithinPrice
from policies.selection.model import Model
from policies.selection.pickers import PICKERS
from policies.selection.plan import has_room, plan
from policies.selection.presets import PRESETS
from policies.selection.scorers import SCORERS
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.types import Price, Request
from tests.policies.world import NOW, ask, place, scraped, world

ARGUMENTS = {Tagged: {"any": ("eu",)}, WithinPrice: {"input": 2.0}}
seeds = st.integers(0, 2**64 - 1)

filters = st.lists(st.sampled_from(FILTERS), max_size=6, unique=True).map(
    lambda found: [each(**ARGUMENTS.get(each, {})) for each in found]
)
weights = st.sampled_from([0.5, 1.0, 3.0])
scorers = st.lists(st.builds(lambda each, weight: each(weight=weight), st.sampled_from(SCORERS), weights), max_size=5)
picks = st.sampled_from(PICKERS).map(lambda each: each())
specs = st.builds(PolicySpec, filters=filters, sample=st.none() | st.integers(1, 6), scorers=scorers, pick=picks)


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    made = []
    for n in range(draw(st.integers(1, 5))):
        own, limited = draw(st.booleans()), draw(st.booleans())
        price = draw(st.sampled_from([None, Price(0.0, 0.0), Price(1.0, 4.0), Price(9.0, 9.0, 1.0)]))
        pool = Pool(rates=Rates() if limited else None, in_flight=draw(st.integers(0, 3)))
        more = {
            "own": own, "price": price, "tags": draw(st.sampled_from([(), ("eu",), ("eu", "us")])),
            "weight": draw(st.sampled_from([0.0, 1.0, 5.0])), "context_window": draw(st.sampled_from([None, 5, 5000])),
            "rpm": 2 if limited else None, "limit": draw(st.sampled_from([None, 1, 100])),
        }  # fmt: skip
        for replica in range(draw(st.integers(1, 4))):
            each = place(f"d{n}", f"http://d{n}-{replica}", pool=pool, **more)
            load = each.load
            load.in_flight, load.down = draw(st.integers(0, 30)), draw(st.sampled_from([False, False, False, True]))
            load.in_flight_tokens = 100 * load.in_flight
            if draw(st.booleans()):
                load.speed = Speed()
                load.speed.observe(draw(st.booleans()), draw(st.floats(0.001, 30)), load.in_flight, NOW - 1)
            if draw(st.booleans()):
                scraped(each, float(draw(st.integers(0, 9))), 0.0)
            if draw(st.booleans()):
                load.predictor = LatencyPredictor(hardware(cloud=not own))
            made.append(each)
    return made


@st.composite
def requests(draw: st.DrawFn, places: list[Candidate]) -> Request:
    held = {c.id: 5 for c in places if draw(st.booleans())}
    return ask(
        draw(seeds), draw(st.integers(0, 9)),
        stream=draw(st.booleans()), prompt_tokens=draw(st.sampled_from([1, 10, 9000])),
        max_tokens=draw(st.sampled_from([None, 0, 100])), conversation=draw(st.sampled_from([0, 7])),
        matched=draw(st.sampled_from([None, held])), difficulty=draw(st.sampled_from([None, 0.2, 0.8])), threshold=0.5,
    )  # fmt: skip


def decides(asked: Model, request: Request, places: list[Candidate]) -> None:
    found = plan(request, asked, world(asked))
    passing = asked.policy.eligible(request, list(places), NOW)
    free = [c for c in passing if has_room(c)]
    assert (found.candidate is not None) == bool(free)
    assert found.candidate is None or found.candidate.id in {c.id for c in free}
    assert plan(request, asked, world(asked)) == found
    if free:
        assert all(isfinite(score) for score in asked.policy.scores(request, free, NOW))
    record = explain(request, asked, world(asked))
    assert [(r.deployment, r.endpoint) for r in record.considered if r.chosen] == (
        [found.candidate.id] if found.candidate is not None else []
    )
    if found.candidate is not None:
        assert sum(row.propensity for row in record.considered) == pytest.approx(1.0)
        assert all(not row.propensity for row in record.considered if row.refused_by)
    assert record.signal == (found.signal.value if found.signal else "")


@settings(max_examples=150, deadline=None)
@given(st.data(), specs)
def test_any_composition_decides_within_its_filters_and_as_its_record_says(
    data: st.DataObject, spec: PolicySpec
) -> None:
    places = data.draw(candidates())
    policy = fitted(named(Config(policies={"mine": spec}), "mine"), places)
    asked = Model("m", (tuple(places),), policy, {c.id[0]: Timeouts() for c in places}, 600.0)
    decides(asked, data.draw(requests(places)), places)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(PRESETS))
def test_so_does_every_preset(data: st.DataObject, preset: object) -> None:
    places = data.draw(candidates())
    policy = fitted(preset, places)  # type: ignore[arg-type]
    asked = Model("m", (tuple(places),), policy, {c.id[0]: Timeouts() for c in places}, 600.0)
    decides(asked, data.draw(requests(places)), places)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda each: each.kind)
@pytest.mark.parametrize("told", [False, True], ids=["unscraped", "scraped before"])
def test_a_burst_before_any_answer_does_not_herd(preset: object, told: bool) -> None:
    """400 requests in one tick at 8 equal places: what each is sent counts at once, however old the scrapes are."""
    shared = Pool()
    places = [place("d", f"http://d-{n}", pool=shared, own=True) for n in range(8)]
    for each in places if told else []:
        scraped(each, 0.0, 0.0)
    policy = fitted(preset, places)  # type: ignore[arg-type]
    asked = Model("m", (tuple(places),), policy, {"d": Timeouts()}, 600.0)
    counts = dict.fromkeys((c.id for c in places), 0)
    for n in range(400):
        request = ask(n * 0x9E3779B97F4A7C15 % 2**64, n, conversation=n * 0xD1B54A32D192ED03 % 2**64, threshold=0.5)
        found = plan(request, asked, world(asked)).candidate
        assert found is not None
        counts[found.id] += 1
        found.load.in_flight += 1
        found.load.in_flight_tokens += request.prompt_tokens
        found.load.backlog.add(request.seed, request.prompt_tokens, NOW)
    assert max(counts.values()) <= 75 and min(counts.values()) >= 25, counts  # 50 each, or by chance about that
