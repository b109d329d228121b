"""What an endpoint's answers teach, each kind apart."""

from policies.learning.learners.peak_ewma import MEMORY
from policies.learning.learners.speed import SHORTEST, Speed


def test_streams_and_whole_answers_are_never_mixed() -> None:
    seen = Speed()
    seen.observe(True, 0.1, 0, 0.0)
    seen.observe(False, 9.0, 0, 0.0)
    assert (seen.first.at(0, 0.0), seen.whole.at(0, 0.0)) == (0.1, 9.0)


def test_a_short_answer_tells_no_pace() -> None:
    seen = Speed()
    seen.answered(SHORTEST - 1, 1.0, 0, 0.0)
    assert seen.token.at(0, 0.0) == 0.0
    seen.answered(100, 2.0, 0, 0.0)
    assert seen.token.at(0, 0.0) == 0.02


def test_nothing_heard_is_not_trusted_and_what_was_long_ago_little() -> None:
    seen = Speed()
    assert seen.trust(5.0) == 0.0
    seen.observe(True, 0.1, 0, 5.0)
    assert seen.trust(5.0) == 1.0
    assert 0.3 < seen.trust(5.0 + MEMORY) < 0.4
