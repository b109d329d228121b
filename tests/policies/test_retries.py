"""The attempt machine, clause by clause: what is asked again, and what after which pause."""

import pytest

from policies.attempts.machine import GiveUp, Wait
from policies.vocabulary.failure import SILENCE, Failure
from policies.vocabulary.limits import RetryRules
from tests.policies.world import NOW, chosen, fail, fault, given_up, machine, model, place, pool, quota, started, world


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
