"""Tries: a request's attempts, in the order they began."""

from policies.attempts.attempt_record import AttemptRecord
from tests.outcome import filled


def test_a_request_that_failed_has_no_attempt_beyond_those_that_did() -> None:
    tries = (
        AttemptRecord("b", "e", 11.0, 12.0, "overloaded", "fallback", ""),
        AttemptRecord("a", "e", 10.0, 11.0, "overloaded", "first", ""),
    )
    outcome = filled(b"id", "chat", 10.0, attempts=2, tries=tries, finished=12.0)
    assert [each.deployment for each in outcome.all_attempts()] == ["a", "b"]


def test_the_one_that_brought_the_answer_ends_in_nothing_and_has_its_first_token() -> None:
    outcome = filled(
        b"id", "chat", 10.0, deployment="b", endpoint="e", attempts=2, first_token=11.5, finished=12.0, began=11.0,
        reason="fallback", tries=(AttemptRecord("a", "e", 10.0, 11.0, "overloaded", "first", ""),),
    )  # fmt: skip
    assert outcome.all_attempts()[-1] == AttemptRecord("b", "e", 11.0, 12.0, "", "fallback", "", 11.5)


def test_a_first_token_that_came_before_it_began_was_anothers() -> None:
    outcome = filled(b"id", "chat", 10.0, attempts=1, first_token=10.5, finished=12.0, began=11.0)
    assert outcome.all_attempts()[0].first_token == 0.0
