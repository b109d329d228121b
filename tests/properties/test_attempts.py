"""Whatever happens, in whatever order: the attempt machine ends, and keeps its promises on the way."""

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.attempts.machine import MAX_ATTEMPTS, GiveUp, Machine, Start, Wait, first
from policies.attempts.verdict import VERDICTS, Verdict
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.vocabulary.failure import SILENCE, Failure, Fault, Progress
from policies.vocabulary.limits import RetryRules
from tests.policies.world import NOW, machine, model, place, pool, quota, trip, world

DEADLINE = NOW + 20
DEPLOYMENTS = ("a", "b", "c", "d")


@st.composite
def catalogs(draw: st.DrawFn) -> tuple[list[Model], list[Candidate]]:
    """Three models over four deployments in random tiers, some sharing a quota, falling back on each other at will."""
    shared = quota()
    places = {name: pool(name, draw(st.integers(1, 3))) for name in DEPLOYMENTS[:2]}
    places |= {name: [place(name, domain=shared)] for name in DEPLOYMENTS[2:]}
    names = st.lists(st.sampled_from(["m", "n", "o"]), max_size=3).map(tuple)
    tiers = st.lists(
        st.lists(st.sampled_from(DEPLOYMENTS), min_size=1, max_size=2, unique=True), min_size=1, max_size=3
    )
    models = [
        model(
            name,
            *([c for each in tier for c in places[each]] for tier in draw(tiers)),
            kind=draw(st.sampled_from(["order", "round_robin", "least_busy", "power_of_two"])),
            fallbacks=draw(names),
            context_window_fallbacks=draw(names),
            content_policy_fallbacks=draw(names),
        )
        for name in ("m", "n", "o")
    ]
    return models, [c for each in places.values() for c in each]


FAULTS = st.builds(
    Fault,
    st.sampled_from(Failure),
    st.just("it failed"),
    st.one_of(st.none(), st.floats(0, 5)),
    st.booleans(),
)
RULES = st.builds(
    RetryRules,
    attempts=st.integers(0, 4),
    base=st.floats(0.01, 1),
    cap=st.floats(0.1, 5),
    max_retry_after=st.floats(0, 3),
)


@settings(deadline=None, max_examples=200)
@given(
    catalogs(), RULES, st.lists(st.tuples(FAULTS, st.floats(0, 3)), max_size=40), st.integers(0, 2**64 - 1), st.data()
)
def test_every_run_of_failures_ends_and_keeps_its_promises(
    catalog: tuple[list[Model], list[Candidate]],
    rules: RetryRules,
    faults: list[tuple[Fault, float]],
    seed: int,
    data: st.DataObject,
) -> None:
    models, places = catalog
    now = NOW
    run = machine(models[0], rules, seed, DEADLINE)
    begun = first(run.request, models[0], world(*models)).candidate if data.draw(st.booleans()) else None
    if begun is not None:  # as the gateway does it: the machine is made when something is to follow
        run = Machine(run.request, models[0], rules, DEADLINE, begun)
    action = run.start(world(*models)) if begun is None else Start(begun, models[0])
    silent: set[tuple[str, str]] = set()
    refused: set[str] = set()  # deployments of which every endpoint would say the same
    waits = attempts = 0
    while not isinstance(action, GiveUp):
        if isinstance(action, Wait):
            waits += 1
            now += action.seconds
            assert action.seconds >= 0 and now < DEADLINE
            action = run.resume(world(*models, now=now))
            continue
        assert isinstance(action, Start)
        attempts += 1
        assert now < DEADLINE
        assert action.candidate.id not in silent
        assert action.candidate.deployment.name not in refused
        assert any(action.candidate is c for tier in action.model.tiers for c in tier)
        if attempts > len(faults):
            return
        fault, took = faults[attempts - 1]
        now += took
        if fault.failure in SILENCE:
            silent.add(action.candidate.id)
        if VERDICTS[fault.failure, Progress.UNCOMMITTED] is Verdict.ELSEWHERE:
            refused.add(action.candidate.deployment.name)
        if fault.failure is Failure.RATE_LIMITED:
            domain = action.candidate.domain
            domain.cooled_until = max(domain.cooled_until, now + (fault.retry_after or 1.0))
        if data.draw(st.integers(0, 9)) == 0:
            trip(data.draw(st.sampled_from(places)), now)
        action = run.failed(fault, Progress.UNCOMMITTED, world(*models, now=now))
    assert attempts <= MAX_ATTEMPTS
    assert waits <= rules.attempts * (len(DEPLOYMENTS) + 1) + attempts  # and a pause before a next place
