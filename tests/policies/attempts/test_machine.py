"""The attempt machine, clause by clause: what is asked again and when, where it goes next, when it ends."""

import msgspec
import pytest

from policies.attempts.machine import GiveUp, Start, Wait, first
from policies.learning.learners.rate import Rates
from policies.load.candidate import Pool
from policies.load.retry_budget import FLOOR
from policies.selection.filters import Capable, FitsContext, Healthy, WithinRate
from policies.selection.model import Model
from policies.vocabulary.failure import SILENCE, Failure, Progress
from policies.vocabulary.limits import RetryRules
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
    quota,
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


class TestRateLimits:
    def test_an_equal_outside_the_quota_domain_is_asked_at_once(self) -> None:
        shared = quota()
        first, twin, equal, later = place("a", domain=shared), place("b", domain=shared), place("c"), place("d")
        run, seen = started(model("m", [first, twin, equal], [later]))
        assert chosen(fail(run, fault(Failure.RATE_LIMITED, 1.0), seen)) is equal

    def test_a_sibling_endpoint_of_a_pool_is_an_equal(self) -> None:
        run, seen = started(model("m", pool("a", 2), [place("b")]))
        assert chosen(fail(run, Failure.RATE_LIMITED, seen)).id[0] == "a"

    def test_a_short_delay_is_waited_out_and_the_same_deployment_is_asked_again(self) -> None:
        first, later = place("a"), place("b")
        asked = model("m", [first], [later])
        run, seen = started(asked)
        first.domain.cooled_until = NOW + 1.5
        wait = fail(run, fault(Failure.RATE_LIMITED, 1.5), seen)
        assert isinstance(wait, Wait)
        assert 1.5 < wait.seconds <= 1.5 + run.rules.base
        assert chosen(run.resume(world(asked, now=NOW + wait.seconds))) is first

    def test_those_who_wait_do_not_come_back_as_one(self) -> None:
        waits = set()
        for seed in range(0, 256, 16):
            run, seen = started(model("m", [place("a")]), seed=seed)
            waits.add(fail(run, fault(Failure.RATE_LIMITED, 1.0), seen))
        assert len(waits) == 16

    def test_the_longest_delay_allowed_is_allowed(self) -> None:
        first = place("a")
        run, seen = started(model("m", [first], [place("b")]))
        first.domain.cooled_until = NOW + 2.0 + 1e-9  # the live ledger's sum of the same two numbers, rounded its way
        assert isinstance(fail(run, fault(Failure.RATE_LIMITED, 2.0), seen), Wait)

    def test_a_long_delay_goes_to_the_next_tier(self) -> None:
        later = place("b")
        run, seen = started(model("m", [place("a")], [later]))
        assert chosen(fail(run, fault(Failure.RATE_LIMITED, 2.5), seen)) is later

    def test_a_long_delay_with_nowhere_to_go_is_told_to_the_client(self) -> None:
        run, seen = started(model("m", [place("a")]))
        action = fail(run, fault(Failure.RATE_LIMITED, 30.0), seen)
        assert given_up(action) is Failure.RATE_LIMITED
        assert isinstance(action, GiveUp) and action.retry_after == 30.0

    def test_without_a_delay_it_backs_off_briefly_and_goes_to_the_next(self) -> None:
        first, later = place("a"), place("b")
        asked = model("m", [first], [later])
        run, seen = started(asked)
        first.domain.cooled_until = NOW + 1.0
        wait = fail(run, Failure.RATE_LIMITED, seen)
        assert isinstance(wait, Wait) and wait.seconds <= run.rules.base
        assert chosen(run.resume(world(asked, now=NOW + wait.seconds))) is later

    def test_without_a_delay_and_without_another_place_it_waits_until_the_domain_is_warm_again(self) -> None:
        first = place("a")
        asked = model("m", [first])
        run, seen = started(asked)
        first.domain.cooled_until = NOW + 1.0
        wait = fail(run, Failure.RATE_LIMITED, seen)
        assert isinstance(wait, Wait) and wait.seconds > 1.0
        assert chosen(run.resume(world(asked, now=NOW + wait.seconds))) is first

    def test_backoff_grows_and_the_attempts_run_out(self) -> None:
        first = place("a")
        asked = model("m", [first])
        run, seen = started(asked)
        waits = []
        for _ in range(2):
            wait = fail(run, Failure.RATE_LIMITED, seen)
            assert isinstance(wait, Wait)
            waits.append(wait.seconds)
            assert chosen(run.resume(seen)) is first
        assert waits[0] < waits[1]
        assert given_up(fail(run, Failure.RATE_LIMITED, seen)) is Failure.RATE_LIMITED

    def test_a_spent_credential_is_never_waited_for(self) -> None:
        later = place("b")
        run, seen = started(model("m", [place("a")], [later]))
        assert chosen(fail(run, fault(Failure.RATE_LIMITED, 0.1, credential=True), seen)) is later
        run, seen = started(model("m", [place("a")]))
        assert given_up(fail(run, fault(Failure.RATE_LIMITED, credential=True), seen)) is Failure.RATE_LIMITED

    def test_no_wait_reaches_past_the_deadline(self) -> None:
        asked = model("m", [place("a")])
        run = machine(asked, deadline=NOW + 1.0)
        run.start(world(asked))
        assert given_up(fail(run, fault(Failure.RATE_LIMITED, 1.0), world(asked))) is Failure.RATE_LIMITED

    def test_a_place_that_cools_before_the_first_attempt_is_waited_for(self) -> None:
        first = place("a")
        first.domain.cooled_until = NOW + 1.0
        asked = model("m", [first])
        run = machine(asked)
        wait = run.start(world(asked))
        assert isinstance(wait, Wait) and wait.seconds > 1.0
        assert chosen(run.resume(world(asked, now=NOW + wait.seconds))) is first

    def test_a_place_that_cools_for_long_is_told_with_the_time_it_takes(self) -> None:
        first = place("a")
        first.domain.cooled_until = NOW + 40.0
        asked = model("m", [first])
        action = machine(asked).start(world(asked))
        assert given_up(action) is Failure.RATE_LIMITED
        assert isinstance(action, GiveUp) and action.retry_after == 40.0

    def test_a_limit_that_named_no_delay_is_told_with_the_time_its_domain_cools(self) -> None:
        first = place("a")
        run, seen = started(model("m", [first]), rules=RetryRules(attempts=0))
        first.domain.cooled_until = NOW + 3.0
        action = fail(run, Failure.RATE_LIMITED, seen)
        assert isinstance(action, GiveUp) and action.retry_after == 3.0

    def test_a_spent_credential_is_told_without_a_time_since_no_wait_mends_it(self) -> None:
        run, seen = started(model("m", [place("a")]))
        action = fail(run, fault(Failure.RATE_LIMITED, credential=True), seen)
        assert isinstance(action, GiveUp) and action.retry_after is None


class TestOverload:
    def test_the_next_endpoint_is_asked_at_once_then_the_next_tier(self) -> None:
        places, later = pool("a", 2), place("b")
        run, seen = started(model("m", places, [later]))
        second = chosen(fail(run, Failure.OVERLOADED, seen))
        assert second is places[1]
        assert chosen(fail(run, Failure.OVERLOADED, seen)) is later

    def test_with_nowhere_to_go_it_is_told_when_to_come_back(self) -> None:
        run, seen = started(model("m", [place("a")]), rules=RetryRules(attempts=0))
        action = fail(run, Failure.OVERLOADED, seen)
        assert isinstance(action, GiveUp) and action.retry_after == 1.0

    def test_the_same_place_is_asked_again_only_when_there_is_no_other(self) -> None:
        only = place("a")
        run, seen = started(model("m", [only]))
        assert isinstance(fail(run, fault(Failure.OVERLOADED, 1.0), seen), Wait)
        assert chosen(run.resume(seen)) is only

    def test_a_fallback_model_comes_before_the_same_place_again(self) -> None:
        other = place("b")
        run, seen = started(model("m", [place("a")], fallbacks=("n",)), model("n", [other]))
        assert chosen(fail(run, Failure.OVERLOADED, seen)) is other


@pytest.mark.parametrize("failure", [Failure.SERVER_ERROR, Failure.BROKEN_STREAM])
class TestServerErrors:
    def test_one_quick_retry_on_the_same_deployment_then_the_next(self, failure: Failure) -> None:
        only, later = place("a"), place("b")
        run, seen = started(model("m", [only], [later]))
        assert chosen(fail(run, failure, seen)) is only
        assert chosen(fail(run, failure, seen)) is later

    def test_the_quick_retry_goes_to_another_endpoint_where_there_is_one(self, failure: Failure) -> None:
        places = pool("a", 3)
        run, seen = started(model("m", places))
        assert chosen(fail(run, failure, seen)).id in {places[1].id, places[2].id}

    def test_no_retry_where_attempts_are_nought(self, failure: Failure) -> None:
        later = place("b")
        run, seen = started(model("m", [place("a")], [later]), rules=RetryRules(attempts=0))
        assert chosen(fail(run, failure, seen)) is later

    def test_no_retry_where_the_budget_is_spent_but_a_fallback_is_free_of_it(self, failure: Failure) -> None:
        first, later = place("a"), place("b")
        while first.domain.budget.take(NOW):
            pass
        while later.domain.budget.take(NOW):
            pass
        run, seen = started(model("m", [first], [later]))
        assert chosen(fail(run, failure, seen)) is later
        assert given_up(fail(run, failure, seen)) is failure

    def test_alone_it_is_asked_three_times_with_a_pause_before_the_last(self, failure: Failure) -> None:
        only = place("a")
        run, seen = started(model("m", [only]))
        assert chosen(fail(run, failure, seen)) is only
        assert isinstance(fail(run, failure, seen), Wait)
        assert chosen(run.resume(seen)) is only
        assert given_up(fail(run, failure, seen)) is failure


@pytest.mark.parametrize("failure", sorted(SILENCE, key=lambda each: each.name))
class TestSilence:
    def test_another_endpoint_is_asked(self, failure: Failure) -> None:
        places, later = pool("a", 2), place("b")
        run, seen = started(model("m", places, [later]))
        assert chosen(fail(run, failure, seen)) is places[1]
        assert chosen(fail(run, failure, seen)) is later

    def test_a_silent_endpoint_is_not_asked_again_even_alone(self, failure: Failure) -> None:
        run, seen = started(model("m", [place("a")]))
        assert given_up(fail(run, failure, seen)) is failure

    def test_a_later_retry_of_its_deployment_avoids_it(self, failure: Failure) -> None:
        _, second = places = pool("a", 2)
        run, seen = started(model("m", places))
        assert chosen(fail(run, failure, seen)) is second
        assert chosen(fail(run, Failure.SERVER_ERROR, seen)) is second


class TestAbsence:
    @pytest.mark.parametrize("failure", [Failure.UNREACHABLE, Failure.TIMEOUT_CONNECT])
    def test_the_next_endpoint_is_asked_at_once(self, failure: Failure) -> None:
        places = pool("a", 2)
        run, seen = started(model("m", places))
        assert chosen(fail(run, failure, seen)) is places[1]
