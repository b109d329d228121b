"""Recent samples, read at a like load."""

from policies.learners.probes import AGE, KEPT, Probes


def test_a_time_is_read_at_the_load_it_was_met_with() -> None:
    seen = Probes()
    for n in range(5):
        seen.observe(0.1, 1, float(n))
        seen.observe(0.9, 20, float(n))
    assert seen.at(1, 5.0) == 0.1
    assert seen.at(20, 5.0) == 0.9


def test_beyond_the_load_that_was_seen_it_grows() -> None:
    seen = Probes()
    seen.observe(0.1, 1, 0.0)
    assert seen.at(3, 0.0) == 0.2
    assert seen.at(0, 0.0) == 0.1


def test_old_samples_say_nothing() -> None:
    seen = Probes()
    assert seen.at(0, 0.0) is None
    seen.observe(0.1, 1, 0.0)
    assert seen.at(1, AGE) == 0.1
    assert seen.at(1, AGE + 0.1) is None


def test_only_so_many_are_kept() -> None:
    seen = Probes()
    for n in range(100):
        seen.observe(float(n), 0, float(n))
    assert [probe.seconds for probe in seen.ring] == [float(n) for n in range(100 - KEPT, 100)]
