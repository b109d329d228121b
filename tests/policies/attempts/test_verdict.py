"""The failure table."""

import itertools

import pytest

from policies.attempts.verdict import VERDICTS, Verdict
from policies.vocabulary.failure import ABSENCE, ENDPOINT_FAULTS, SILENCE, Cause, Failure, Progress


def test_the_table_is_total() -> None:
    assert set(VERDICTS) == set(itertools.product(Failure, Progress))


@pytest.mark.parametrize("failure", Failure)
def test_nothing_starts_over_once_the_client_holds_content(failure: Failure) -> None:
    assert VERDICTS[failure, Progress.COMMITTED] is Verdict.STOP


@pytest.mark.parametrize("failure", sorted(SILENCE, key=lambda failure: failure.name))
def test_silence_is_never_asked_again(failure: Failure) -> None:
    assert VERDICTS[failure, Progress.UNCOMMITTED] is Verdict.SILENT


def test_what_the_client_did_wrong_stops_or_goes_to_a_model_made_for_it() -> None:
    ends = {VERDICTS[failure, Progress.UNCOMMITTED] for failure in Failure if failure.caused_by is not Cause.UPSTREAM}
    assert ends == {Verdict.STOP, Verdict.LARGER, Verdict.MILDER}


def test_a_breaker_never_counts_rate_limits_refusals_or_aborts() -> None:
    assert ABSENCE | SILENCE < ENDPOINT_FAULTS
    assert all(failure.caused_by is Cause.UPSTREAM for failure in ENDPOINT_FAULTS)
    spared = {Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.AUTH, Failure.NOT_FOUND}
    assert not ENDPOINT_FAULTS & spared
