"""Windows cover a history once, and bounds hold what they say they hold."""

from pathlib import Path

import pytest

from gateway.history.from_ledger import recorded
from gateway.history.past_request import History, PastRequest
from gateway.report.fitted_price import fitted
from gateway.report.replay_windows import Trial, saving, windows
from policies.vocabulary.hashing import mix, unit
from tests.gateway.history.rows import day


def history(count: int, gap: float = 1.0) -> History:
    return History("h", [PastRequest(n * gap, "m", "k", 100 + n % 7, 50) for n in range(count)], {})


@pytest.mark.parametrize("count", [1, 2, 100, 5_000])
def test_windows_hold_every_request_once_and_all_the_time(count: int) -> None:
    past = history(count)
    cut = windows(past)
    assert sum(len(window.trace.arrivals) for window in cut if window.trace) == count
    assert sum(window.seconds for window in cut) == pytest.approx(max(past.seconds, 1.0))
    assert all(
        0 <= each.at <= window.seconds + 1e-6 for window in cut if window.trace for each in window.trace.arrivals
    )


def test_a_long_history_is_sampled_at_equal_distances(tmp_path: Path) -> None:
    past = history(50_000)
    cut = windows(past, most=10_000)
    played = sum(len(window.trace.arrivals) for window in cut if window.trace)
    assert played <= 10_500 and len(cut) >= 4


def test_a_window_nobody_came_in_costs_its_time() -> None:
    cut = windows(History("h", [PastRequest(0.0, "m", "k", 1, 1), PastRequest(2400.0, "m", "k", 1, 1)], {}))
    assert [window.trace is None for window in cut] == [False, *[True] * 6, False]


def test_nine_of_ten_bounds_hold_the_true_share() -> None:
    """Of 200 histories whose requests are in time three times of four."""
    held = 0
    for number in range(200):
        counts = [sum(unit(mix(number, 1000 * window + n)) < 0.75 for n in range(40)) for window in range(24)]
        found = Trial(seconds=[60.0] * 24, requests=[40] * 24, good=[float(each) for each in counts]).share(counts)
        held += found.low <= 0.75 <= found.high
    assert 165 <= held <= 195


def test_what_both_have_in_common_does_not_blur_a_saving() -> None:
    busy = [float(mix(1, n) % 100) for n in range(24)]
    before = Trial(per_hour=2.0, seconds=[3600.0] * 24, requests=[1] * 24, cloud=busy)
    after = Trial(per_hour=1.0, seconds=[3600.0] * 24, requests=[1] * 24, cloud=[each - 0.5 for each in busy])
    found = saving(before, after, 0)
    assert found.value == pytest.approx(1.5) and found.high - found.low < 1e-6


def test_the_price_is_found_again(tmp_path: Path) -> None:
    found = fitted(recorded(day(tmp_path / "l.db")).requests)
    assert found is not None and (found.input, found.output) == (pytest.approx(0.5), pytest.approx(1.5))
    assert found.off < 1e-6


def test_tokens_that_cannot_be_told_apart_have_one_price() -> None:
    alike = [PastRequest(float(n), "m", "k", 10 * n, 10 * n, usd=30e-6 * n) for n in range(1, 20)]
    found = fitted(alike)
    assert found is not None and found.input == found.output == pytest.approx(1.5)
    assert fitted([PastRequest(0.0, "m", "k", 1, 1)]) is None
