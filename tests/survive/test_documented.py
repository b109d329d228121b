"""docs/resilience.md says what the faults do today."""

from policies.vocabulary.failure import ENDPOINT_FAULTS, Cause, Failure
from tests.survive.documented import PAGE, written
from tests.survive.table import TABLE


def test_the_page_is_current() -> None:
    page = PAGE.read_text()
    assert page == written(page), "run python -m tests.survive.documented"


def test_every_failure_of_an_upstream_has_a_row() -> None:
    shown = {row.failure for row in TABLE}
    assert {f for f in Failure if f.caused_by is Cause.UPSTREAM} | ENDPOINT_FAULTS <= shown


def test_rows_have_names_of_their_own() -> None:
    assert len({row.name for row in TABLE}) == len(TABLE)
