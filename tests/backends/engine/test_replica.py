"""The replica's laws: tokens are conserved, blocks are bounded, nobody overtakes, equal input gives equal output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.profile import Profile
from backends.engine.replica import Replica
from backends.engine.sequence import Event, Sequence, Work

SMALL = Profile(block_size=4, num_blocks=24, max_num_seqs=4, max_num_batched_tokens=16)


def work(prompt: int, output: int, family: int = 0) -> Work:
    """Works of one family share their text as far as it goes."""
    return Work(prompt, output, [family * 1000 + block for block in range((prompt + output) // 4)])


def drain(replica: Replica) -> list[Event]:
    events: list[Event] = []
    while replica.due is not None:
        events += replica.advance(replica.due)
    return events


works = st.builds(work, st.integers(1, 40), st.integers(0, 40), st.integers(0, 5))
arrivals = st.lists(st.tuples(st.floats(0, 0.5), works), min_size=1, max_size=12)


def play(plan: list[tuple[float, Work]]) -> tuple[Replica, list[Sequence], list[Event]]:
    replica, now, sequences, events = Replica(SMALL), 0.0, [], []
    for pause, item in plan:
        now += pause
        events += replica.advance(now)
        sequences.append(replica.submit(item, now))
        assert 0 <= replica.kv_usage <= 1
        assert replica.running <= SMALL.max_num_seqs
    return replica, sequences, events + drain(replica)


@given(arrivals)
def test_every_token_is_produced_once_and_in_order(plan: list[tuple[float, Work]]) -> None:
    replica, sequences, events = play(plan)
    for sequence in sequences:
        own = [event for event in events if event.sequence is sequence]
        assert [event.produced for event in own] == (list(range(1, sequence.work.output_tokens + 1)) or [0])
        assert [event.finished for event in own] == [False] * (len(own) - 1) + [True]
        assert sum(event.since for event in own) == pytest.approx(own[-1].at - sequence.arrived)
    assert (replica.running, replica.waiting, replica.kv_usage) == (0, 0, 0)


@given(arrivals)
def test_blocks_in_use_never_exceed_the_capacity_at_any_step(plan: list[tuple[float, Work]]) -> None:
    replica = Replica(SMALL)
    for _, item in plan:
        replica.submit(item, 0.0)
    while replica.due is not None:
        assert replica.cache.used + replica.cache.idle <= SMALL.num_blocks
        replica.advance(replica.due)


@given(arrivals)
def test_sequences_are_admitted_in_the_order_they_came(plan: list[tuple[float, Work]]) -> None:
    _, sequences, _ = play(plan)
    admitted = [sequence.admitted for sequence in sequences]
    assert all(at is not None for at in admitted)
    assert admitted == sorted(admitted, key=lambda at: at or 0.0)


@given(arrivals)
def test_the_same_arrivals_give_the_same_events(plan: list[tuple[float, Work]]) -> None:
    def told(events: list[Event]) -> list[tuple[float, int, bool]]:
        return [(event.at, event.produced, event.finished) for event in events]

    assert told(play(plan)[2]) == told(play(plan)[2])


@given(arrivals, st.data())
def test_an_abort_frees_everything_the_sequence_held(plan: list[tuple[float, Work]], data: st.DataObject) -> None:
    replica = Replica(SMALL)
    sequences = [replica.submit(item, 0.0) for _, item in plan]
    for sequence in data.draw(st.permutations(sequences)):
        if data.draw(st.booleans()) and replica.due is not None:
            replica.advance(replica.due)
        replica.abort(sequence)
        replica.abort(sequence)
    assert (replica.running, replica.waiting, replica.cache.used) == (0, 0, 0)
    assert drain(replica) == []


ROOMY = Profile(block_size=4, num_blocks=200, max_num_seqs=6, max_num_batched_tokens=16)
long_works = st.builds(work, st.integers(1, 40), st.integers(0, 50), st.integers(0, 5))
long_arrivals = st.lists(st.tuples(st.floats(0, 2), long_works), min_size=1, max_size=14)


def leapt(profile: Profile, plan: list[tuple[float, Work]], *, news: bool) -> tuple[Replica, list[Event]]:
    """The same arrivals, with every stretch of decoding taken at once; ``news``: each event looked for when due."""
    replica, now = Replica(profile), 0.0
    events: list[Event] = []
    for pause, item in plan:
        now += pause
        while news and (due := replica.news()) is not None and due <= now:
            events += replica.leap(due)
        events += replica.leap(now)
        replica.submit(item, now)
    while (due := replica.news()) is not None:
        events += replica.leap(due)
    return replica, events


@pytest.mark.parametrize("profile", [SMALL, ROOMY], ids=["small", "roomy"])
@pytest.mark.parametrize("news", [False, True])
@given(long_arrivals)
def test_leaping_agrees_with_stepping(news: bool, profile: Profile, plan: list[tuple[float, Work]]) -> None:
    stepped, now = Replica(profile), 0.0
    events: list[Event] = []
    for pause, item in plan:
        now += pause
        events += stepped.advance(now)
        stepped.submit(item, now)
    events += drain(stepped)
    told = [event for event in events if event.finished or event.produced == 1]
    leaping, leaps = leapt(profile, plan, news=news)
    assert [event.produced for event in leaps] == [event.produced for event in told]
    assert [event.at for event in leaps] == pytest.approx([event.at for event in told])
    assert [event.sequence.cached_tokens for event in leaps] == [event.sequence.cached_tokens for event in told]
    assert leaping.counters == stepped.counters
    assert leaping.cache.idle == stepped.cache.idle


def test_a_long_answer_by_itself_is_one_leap() -> None:
    replica = Replica(Profile(block_size=512))
    replica.submit(Work(1000, 5000), 0.0)
    (first,) = replica.leap(1.0)
    curve = 0.0660 + 0.0570 + 0.00441 + 4999 * (0.01064 + 0.000419) + 1.42e-7 * sum(range(1000, 5999))
    assert (first.produced, replica.news() or 0.0) == (1, pytest.approx(curve))
    (last,) = replica.leap(60.0)
    assert (last.produced, last.finished) == (5000, True)


def test_a_lone_prompt_takes_the_published_time() -> None:
    replica = Replica(Profile())
    replica.submit(Work(4000, 2), 10.0)
    first, second = drain(replica)
    assert first.at - 10.0 == pytest.approx(0.0660 + 0.0570 * 4 + 0.00441 * 16)
    assert second.since == pytest.approx(0.01064 + 0.000419 + 1.42e-7 * 4000)


def test_a_prompt_larger_than_a_step_takes_the_same_time_in_chunks() -> None:
    whole, chunked = Replica(Profile(max_num_batched_tokens=30_000)), Replica(Profile(max_num_batched_tokens=2048))
    for replica in (whole, chunked):
        replica.submit(Work(20_000, 1), 0.0)
    assert drain(chunked)[0].at == pytest.approx(drain(whole)[0].at)


def test_decoding_slows_with_the_batch_and_with_what_is_resident() -> None:
    profile = Profile()
    assert profile.decode_seconds(2, 100) > profile.decode_seconds(1, 100) > profile.decode_seconds(1, 10)


def test_an_idle_replica_is_never_due() -> None:
    replica = Replica(SMALL)
    assert replica.due is None
    replica.submit(work(3, 1), 0.0)
    assert replica.due is not None
    drain(replica)
    assert replica.due is None


def test_cache_hits_are_counted_in_whole_blocks_short_of_the_last_token() -> None:
    replica = Replica(SMALL)
    cold = replica.submit(work(18, 1), 0.0)
    drain(replica)
    warm = replica.submit(work(18, 1), 100.0)
    drain(replica)
    aligned = replica.submit(work(16, 1), 200.0)
    drain(replica)
    assert (cold.cached_tokens, warm.cached_tokens, aligned.cached_tokens) == (0, 16, 12)
    assert (replica.counters.prefix_queries, replica.counters.prefix_hits) == (18 + 18 + 16, 0 + 16 + 12)


def test_what_was_generated_is_cached_for_the_next_turn() -> None:
    replica = Replica(SMALL)
    replica.submit(work(8, 9), 0.0)
    drain(replica)
    following = replica.submit(work(20, 1), 100.0)
    drain(replica)
    assert following.cached_tokens == 16


def test_a_cached_prompt_is_answered_sooner() -> None:
    replica = Replica(Profile())
    keys = list(range(500))
    replica.submit(Work(8000, 1, keys), 0.0)
    cold = drain(replica)[0].since
    replica.submit(Work(8000, 1, keys), 100.0)
    assert drain(replica)[0].since < cold / 5


def test_other_text_hits_nothing() -> None:
    replica = Replica(SMALL)
    for family in (1, 2):
        replica.submit(work(18, 1, family), 0.0)
        drain(replica)
    assert replica.counters.prefix_hits == 0


def test_when_blocks_run_out_the_latest_is_preempted_and_still_finishes() -> None:
    replica = Replica(SMALL)
    first = replica.submit(work(30, 40, 1), 0.0)
    second = replica.submit(work(30, 40, 2), 0.0)
    events = drain(replica)
    assert replica.counters.preemptions > 0
    done = [event.sequence for event in events if event.finished]
    assert done == [first, second]
    assert [event.produced for event in events if event.sequence is second] == list(range(1, 41))


def test_preemption_counts_the_prefix_query_once() -> None:
    replica = Replica(SMALL)
    replica.submit(work(30, 40, 1), 0.0)
    replica.submit(work(30, 40, 2), 0.0)
    drain(replica)
    assert replica.counters.prefix_queries == 60


def test_no_more_than_max_num_seqs_run() -> None:
    replica = Replica(SMALL)
    for family in range(6):
        replica.submit(work(2, 5, family), 0.0)
    replica.advance(replica.due or 0.0)
    assert (replica.running, replica.waiting) == (4, 2)


@pytest.mark.parametrize("item", [Work(0, 1), Work(90, 7)])
def test_work_that_could_never_run_is_refused(item: Work) -> None:
    with pytest.raises(ValueError):
        Replica(SMALL).submit(item, 0.0)


def test_sleep_aborts_what_is_in_flight_and_forgets_the_cache() -> None:
    replica = Replica(SMALL)
    replica.submit(work(18, 1), 0.0)
    drain(replica)
    sequences = [replica.submit(work(18, 9, family), 50.0) for family in range(6)]
    assert set(replica.sleep()) == set(sequences)
    assert (replica.asleep, replica.due, replica.running, replica.waiting, replica.kv_usage) == (True, None, 0, 0, 0)


def test_work_sent_to_a_sleeping_replica_runs_after_it_wakes() -> None:
    replica = Replica(SMALL)
    replica.sleep()
    sequence = replica.submit(work(8, 2), 1.0)
    assert (replica.due, replica.waiting) == (None, 1)
    replica.wake(5.0)
    assert [event.produced for event in drain(replica)] == [1, 2]
    assert sequence.admitted == 5.0


@pytest.mark.parametrize("name", ["block_size", "num_blocks", "max_num_seqs", "max_num_batched_tokens"])
def test_a_profile_without_capacity_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Profile(**{name: 0})
