"""What an endpoint's answers teach, each kind apart."""

from policies.learners.speed import SHORTEST, Speed


def test_streams_and_whole_answers_are_never_mixed() -> None:
    seen = Speed()
    seen.latency(True).observe(0.1, 0, 0.0)
    seen.latency(False).observe(9.0, 0, 0.0)
    assert (seen.first.at(0, 0.0), seen.whole.at(0, 0.0)) == (0.1, 9.0)


def test_a_short_answer_tells_no_pace() -> None:
    seen = Speed()
    seen.answered(SHORTEST - 1, 1.0, 0, 0.0)
    assert seen.token.at(0, 0.0) == 0.0
    seen.answered(100, 2.0, 0, 0.0)
    assert seen.token.at(0, 0.0) == 0.02


def test_nothing_seen_is_not_trusted() -> None:
    seen = Speed()
    assert seen.trust(5.0) == 0.0
    seen.latency(True).observe(0.1, 0, 5.0)
    assert seen.trust(5.0) == 1.0
