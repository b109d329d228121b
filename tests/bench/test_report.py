"""What a run says. Rule: faults become words, never figures, and ratios are taken within a round."""

import pytest

from bench.load import Result
from bench.measure import FaultyRun, Seat, Settings
from bench.process import free_port
from bench.report import Report, SubjectReport, markdown


def subject(name: str, *request_us: float) -> SubjectReport:
    return SubjectReport(name, rounds=[{"request_us": value} for value in request_us])


def test_a_ratio_is_the_median_over_rounds_so_that_drift_cancels() -> None:
    floor, gateway = subject("floor", 10, 20, 40), subject("gateway", 30, 40, 80)
    assert gateway.ratio("request_us", floor) == 2
    assert gateway.median("request_us") == 40
    assert gateway.ratio("chunk_us", floor) is None
    assert gateway.ratio("request_us", None) is None


def test_what_is_added_is_the_difference_to_the_direct_way_and_the_direct_way_is_itself() -> None:
    direct, gateway = subject("direct", 1, 2, 9), subject("gateway", 2, 3, 10)
    assert gateway.added("request_us", direct) == 1
    assert direct.added("request_us", None) == 2


def test_a_subject_that_failed_has_its_reason_and_no_figure() -> None:
    failed = subject("gateway", 123.4)
    failed.state = "failed: status 503"
    report = Report("today", {"CPU": "one"}, Settings(), [subject("direct", 0), subject("floor", 10), failed])
    row = next(line for line in markdown(report).splitlines() if line.startswith("| gateway | failed"))
    assert "failed: status 503" in row
    assert "123" not in row


def test_lost_streams_are_in_the_table() -> None:
    gateway = subject("gateway", 1)
    gateway.sustained = Result(998, 99_800, 12.0, 1000, {"lost chunk": 2}, None, None, None)
    report = Report("today", {}, Settings(), [subject("direct", 0), gateway])
    assert "| gateway | 998 of 1,000 | lost chunk: 2 | - | - | - |" in markdown(report)


def test_a_load_run_with_a_fault_is_not_a_measure() -> None:
    nobody = Seat("nobody", f"http://127.0.0.1:{free_port()}", [])
    with pytest.raises(FaultyRun, match="no connection"):
        nobody.load("closed", connections=2, seconds=0.1)
