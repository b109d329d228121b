"""A mean that believes a slow sample at once, forgets it by time, and never falls to nothing."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.learners.peak_ewma import DECAY, PeakEwma


def test_a_slow_sample_counts_at_once_and_a_quick_one_slowly() -> None:
    seen = PeakEwma()
    seen.observe(0.1, 0.0)
    seen.observe(2.0, 1.0)
    assert seen.at(1.0) == 2.0
    seen.observe(0.1, 1.1)
    assert 1.5 < seen.at(1.1) < 2.0


def test_a_peak_falls_to_the_mean_and_not_to_nothing() -> None:
    seen = PeakEwma()
    for n in range(50):
        seen.observe(0.2, n * 1.0)
    seen.observe(5.0, 50.0)
    assert seen.at(50.0 + DECAY) < 2.5
    assert 0.2 < seen.at(50.0 + 100 * DECAY) < 1.0


@given(st.lists(st.tuples(st.floats(0.001, 100), st.floats(0, 100)), min_size=1, max_size=50))
def test_the_estimate_stays_within_what_was_seen(samples: list[tuple[float, float]]) -> None:
    seen, now = PeakEwma(), 0.0
    for seconds, pause in samples:
        now += pause
        seen.observe(seconds, now)
        low, high = min(s for s, _ in samples), max(s for s, _ in samples)
        assert low * 0.999 <= seen.at(now) <= high * 1.001
        assert low * 0.999 <= seen.at(now + 1e6) <= high * 1.001
