"""The attempt machine, clause by clause: where it goes next, and when it ends."""

import msgspec
import pytest

from policies.attempts.machine import GiveUp, Start, Wait, first
from policies.learning.learners.rate import Rates
from policies.load.candidate import Pool
from policies.load.retry_budget import FLOOR
from policies.selection.filters import Capable, FitsContext, Healthy, WithinRate
from policies.selection.model import Model
from policies.vocabulary.failure import Failure, Progress
from tests.policies.world import (
    DEADLINE,
    NOW,
    ask,
    chosen,
    fail,
    fault,
    given_up,
    machine,
    model,
    place,
    pool,
    started,
    trip,
    world,
)


@pytest.mark.parametrize("failure", [Failure.AUTH, Failure.NOT_FOUND, Failure.MALFORMED])
def test_what_every_endpoint_would_say_sends_it_to_another_deployment(failure: Failure) -> None:
    later = place("b")
    run, seen = started(model("m", pool("a", 3), [later]))
    assert chosen(fail(run, failure, seen)) is later
    assert given_up(fail(run, failure, seen)) is failure


class TestFallbacks:
    def test_models_are_tried_in_turn(self) -> None:
        small, tiny = place("b"), place("c")
        run, seen = started(
            model("m", [place("a")], fallbacks=("small", "gone", "tiny")),
            model("small", [small]),
            model("tiny", [tiny]),
        )
        action = fail(run, Failure.AUTH, seen)
        assert isinstance(action, Start) and (action.candidate, action.model.name) == (small, "small")
        assert chosen(fail(run, Failure.AUTH, seen)) is tiny
        assert given_up(fail(run, Failure.AUTH, seen)) is Failure.AUTH

    def test_a_fallback_is_taken_at_once_where_the_model_has_no_healthy_place(self) -> None:
        down, small = place("a"), place("b")
        down.load.down = True
        asked = model("m", [down], fallbacks=("small",))
        assert chosen(machine(asked).start(world(asked, model("small", [small])))) is small

    def test_models_that_fall_back_on_each_other_end(self) -> None:
        first, second = place("a"), place("b")
        run, seen = started(model("m", [first], fallbacks=("n", "m", "n")), model("n", [second], fallbacks=("m",)))
        assert chosen(fail(run, Failure.AUTH, seen)) is second
        assert given_up(fail(run, Failure.AUTH, seen)) is Failure.AUTH

    def test_a_place_shut_out_stays_so_in_every_other_model(self) -> None:
        shared, other = place("a"), place("b")
        run, seen = started(model("m", [shared], fallbacks=("n",)), model("n", [shared], [other]))
        assert chosen(fail(run, Failure.AUTH, seen)) is other

    @pytest.mark.parametrize(
        ("failure", "field"),
        [
            (Failure.CONTEXT_TOO_LONG, "context_window_fallbacks"),
            (Failure.CONTENT_FILTERED, "content_policy_fallbacks"),
        ],
    )
    def test_a_fault_with_fallbacks_of_its_own_goes_to_these_only(self, failure: Failure, field: str) -> None:
        plain, special = place("b"), place("c")
        others = model("plain", [plain]), model("special", [special])
        tiers = [place("a")], [place("a2")]
        run, seen = started(model("m", *tiers, fallbacks=("plain",), **{field: ("special",)}), *others)
        assert chosen(fail(run, failure, seen)) is special
        run, seen = started(model("m", *tiers, fallbacks=("plain",)), *others)
        assert given_up(fail(run, failure, seen)) is failure

    def test_windows_that_fall_back_on_each_other_end(self) -> None:
        run, seen = started(
            model("m", [place("a")], context_window_fallbacks=("n",)),
            model("n", [place("b")], context_window_fallbacks=("m",)),
        )
        assert chosen(fail(run, Failure.CONTEXT_TOO_LONG, seen)).id[0] == "b"
        assert given_up(fail(run, Failure.CONTEXT_TOO_LONG, seen)) is Failure.CONTEXT_TOO_LONG


@pytest.mark.parametrize("failure", [Failure.BAD_REQUEST, Failure.CANCELLED])
def test_the_clients_own_faults_stop_it(failure: Failure) -> None:
    run, seen = started(model("m", [place("a")], [place("b")], fallbacks=("n",)), model("n", [place("c")]))
    assert given_up(fail(run, failure, seen)) is failure


@pytest.mark.parametrize("failure", Failure)
def test_a_committed_attempt_is_never_followed_by_another(failure: Failure) -> None:
    run, seen = started(model("m", [place("a")], [place("b")]))
    assert given_up(fail(run, failure, seen, Progress.COMMITTED)) is failure


class TestDeadline:
    def test_nothing_starts_after_it(self) -> None:
        asked = model("m", [place("a")], [place("b")])
        run, _ = started(asked)
        assert given_up(fail(run, Failure.OVERLOADED, world(asked, now=DEADLINE))) is Failure.OVERLOADED

    def test_a_wait_that_ends_after_it_is_not_followed_up(self) -> None:
        asked = model("m", [place("a")])
        run, seen = started(asked)
        assert isinstance(fail(run, fault(Failure.RATE_LIMITED, 1.0), seen), Wait)
        assert given_up(run.resume(world(asked, now=DEADLINE))) is Failure.RATE_LIMITED


class TestHealth:
    def test_one_last_resort_when_every_breaker_is_open_then_it_is_told_when_to_come_back(self) -> None:
        places = pool("a", 2)
        for each in places:
            trip(each)
        run, seen = started(model("m", places, fallbacks=("n",)), model("n", []))
        action = fail(run, Failure.SERVER_ERROR, seen)
        assert given_up(action) is Failure.NO_ENDPOINT
        assert isinstance(action, GiveUp) and action.retry_after is not None

    def test_the_last_resort_is_of_the_model_that_was_asked_for(self) -> None:
        first, other = place("a"), place("b")
        trip(first)
        trip(other)
        asked = model("m", [first], fallbacks=("n",))
        action = machine(asked).start(world(asked, model("n", [other])))
        assert isinstance(action, Start) and (action.candidate, action.model) == (first, asked)

    def test_what_the_last_resort_says_of_the_request_reaches_the_client(self) -> None:
        only = place("a")
        trip(only)
        run, seen = started(model("m", [only]))
        assert given_up(fail(run, Failure.BAD_REQUEST, seen)) is Failure.BAD_REQUEST

    def test_a_model_without_a_place_for_the_family_has_no_endpoint(self) -> None:
        asked = model("m", [])
        action = machine(asked).start(world(asked))
        assert given_up(action) is Failure.NO_ENDPOINT
        assert isinstance(action, GiveUp) and "'m'" in action.fault.message

    def test_all_at_their_limit_is_shed_and_not_forced(self) -> None:
        full = place("a", limit=1)
        full.pool.in_flight = 1
        asked = model("m", [full])
        action = machine(asked).start(world(asked))
        assert given_up(action) is Failure.SHED
        assert isinstance(action, GiveUp) and action.retry_after == 1.0

    def test_a_full_model_falls_back_and_the_refusal_names_the_one_asked_for(self) -> None:
        full, small = place("a", limit=1), place("b", limit=1)
        full.pool.in_flight = 1
        asked, other = model("m", [full], fallbacks=("n",)), model("n", [small])
        assert chosen(machine(asked).start(world(asked, other))) is small
        small.pool.in_flight = 1
        action = machine(asked).start(world(asked, other))
        assert isinstance(action, GiveUp) and "'m'" in action.fault.message


class TestBudget:
    def test_every_first_try_at_a_domain_earns_a_share_of_a_retry(self) -> None:
        first, later = place("a"), place("b")
        run, seen = started(model("m", [first], [later]))
        fail(run, Failure.SERVER_ERROR, seen)  # the quick retry
        fail(run, Failure.SERVER_ERROR, seen)
        assert first.domain.budget.recent.sums == (1, 1)
        assert later.domain.budget.recent.sums == (1, 0)

    def test_an_outage_is_not_multiplied(self) -> None:
        only = place("a")
        attempts = 0
        for _ in range(200):
            run, seen = started(model("m", [only]))
            attempts += 1
            action = fail(run, Failure.SERVER_ERROR, seen)
            while not isinstance(action, GiveUp):
                action = run.resume(seen) if isinstance(action, Wait) else action
                attempts += isinstance(action, Start)
                action = fail(run, Failure.SERVER_ERROR, seen)
        assert 200 < attempts <= 200 * 1.2 + FLOOR


class TestFirst:
    """A request that meets no difficulty starts without a machine, and as a machine would have started it."""

    def test_it_is_where_a_machine_starts_and_earns_the_same_budget(self) -> None:
        down, well = place("a"), place("b")
        down.load.down = True
        asked = model("m", [down], [well])
        assert first(ask(), asked, world(asked)).candidate is well
        assert well.domain.budget.recent.whole == 1

    def test_where_the_model_has_no_place_it_is_the_machines_to_decide(self) -> None:
        down, small = place("a"), place("b")
        down.load.down = True
        asked = model("m", [down], fallbacks=("small",))
        seen = world(asked, model("small", [small]))
        assert first(ask(), asked, seen).candidate is None
        assert chosen(machine(asked).start(seen)) is small
        assert (down.domain.budget.recent.whole, small.domain.budget.recent.whole) == (0, 1)


def fitted(asked: Model) -> Model:
    rules = (Capable(), Healthy(), FitsContext(), WithinRate())
    return msgspec.structs.replace(asked, policy=msgspec.structs.replace(asked.policy, filters=rules))


def test_a_prompt_that_is_too_long_goes_to_the_larger_model_before_any_upstream_refuses_it() -> None:
    small, large = place("s", context_window=5), place("l", context_window=500)
    asked = fitted(model("m", [small], context_window_fallbacks=("big",), fallbacks=("other",)))
    seen = world(asked, fitted(model("big", [large])), model("other", [place("o")]))
    assert chosen(machine(asked).start(seen)) is large


def test_where_no_larger_model_is_named_the_largest_place_is_asked_since_we_only_estimate() -> None:
    small, large = place("s", context_window=5), place("l", context_window=9)
    asked = fitted(model("m", [small, large]))
    assert chosen(machine(asked).start(world(asked))) is large


def test_a_model_at_its_rate_is_refused_with_the_time_to_come_back() -> None:
    one = place("a", rpm=1, pool=Pool(rates=Rates()))
    assert one.pool.rates is not None
    one.pool.rates.requests.observe(1, NOW - 20)
    asked = fitted(model("m", [one]))
    action = machine(asked).start(world(asked))
    assert given_up(action) is Failure.RATE_LIMITED
    assert isinstance(action, GiveUp) and action.retry_after == 40.0


def test_a_rate_that_opens_soon_is_waited_for() -> None:
    one = place("a", rpm=1, pool=Pool(rates=Rates()))
    assert one.pool.rates is not None
    one.pool.rates.requests.observe(1, NOW - 59)
    asked = fitted(model("m", [one]))
    run = machine(asked)
    action = run.start(world(asked))
    assert isinstance(action, Wait) and 1.0 <= action.seconds <= 1.3
    assert chosen(run.resume(world(asked, now=NOW + action.seconds))) is one
