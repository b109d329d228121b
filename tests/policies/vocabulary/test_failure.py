"""The names of failures."""

from policies.vocabulary.failure import Cause, Failure


def test_every_failure_has_a_name_a_code_and_a_status_of_its_own_kind() -> None:
    assert len({failure.code for failure in Failure}) == len(Failure)
    for failure in Failure:
        assert 400 <= failure.status < 600, failure
        assert failure.type in {"rate_limit_error", "server_error", "invalid_request_error"}, failure


def test_the_client_is_never_blamed_for_what_others_did() -> None:
    for failure in Failure:
        blamed = failure.type == "invalid_request_error" and failure is not Failure.NOT_FOUND
        assert blamed == (failure.caused_by is Cause.CLIENT), failure
