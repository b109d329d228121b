"""The wait queue: bounded, fair, and honest about how long it takes."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.attempts.wait_queue import Ticket, WaitQueue

NOW = 1000.0
FAR = NOW + 1000


def ticket(key: str = "k", lane: str = "m", cost: float = 1.0, deadline: float = FAR, priority: int = 0) -> Ticket:
    return Ticket(lane, key, cost, deadline, priority)


def queued(*tickets: Ticket, limit: int = 100) -> WaitQueue:
    queue = WaitQueue(limit)
    for each in tickets:
        assert queue.enter(each, NOW)
    return queue


def takes(number: int, into: list[Ticket]) -> Callable[[Ticket], bool]:
    """Room for so many."""

    def admit(each: Ticket) -> bool:
        if len(into) >= number:
            return False
        into.append(each)
        return True

    return admit


def served(queue: WaitQueue, number: int = 1000, now: float = NOW) -> list[Ticket]:
    into: list[Ticket] = []
    queue.serve(takes(number, into), now)
    return into


def keys(tickets: Iterable[Ticket]) -> str:
    return "".join(each.key for each in tickets)


def test_it_is_bounded() -> None:
    queue = queued(ticket(), ticket(), limit=2)
    assert not queue.enter(ticket(), NOW)
    assert (len(served(queue)), queue.waiting) == (2, 0)


def test_a_key_with_many_requests_does_not_hold_up_one_with_few() -> None:
    queue = queued(*[ticket("a") for _ in range(6)], *[ticket("b") for _ in range(2)])
    assert keys(served(queue)) == "ababaaaa"


def test_fair_is_by_work_not_by_number() -> None:
    queue = queued(*[ticket("a", cost=30) for _ in range(3)], *[ticket("b", cost=10) for _ in range(6)])
    assert keys(served(queue)) == "abbbabbba"


def test_a_key_that_was_away_has_saved_nothing_up() -> None:
    queue = queued(*[ticket("a") for _ in range(4)])
    served(queue, 3)
    for _ in range(3):
        queue.enter(ticket("b"), NOW)
    assert keys(served(queue)) in ("babb", "abbb", "bbab") and keys(served(queue)) == ""


def test_priority_goes_first_and_deadlines_order_a_key_of_its_own() -> None:
    late, soon, urgent = ticket(deadline=FAR), ticket(deadline=NOW + 5), ticket("z", priority=-1)
    assert served(queued(late, soon, urgent)) == [urgent, soon, late]


def test_a_lane_without_room_does_not_hold_up_another() -> None:
    queue = queued(ticket("a", "full"), ticket("a", "full"), ticket("b", "free"))
    assert queue.serve(lambda each: each.lane == "free", NOW) == 1
    assert queue.waiting == 2


def test_who_leaves_is_not_served() -> None:
    gone, there = ticket("a"), ticket("b")
    queue = queued(gone, there)
    queue.leave(gone)
    queue.leave(gone)
    assert queue.waiting == 1
    assert served(queue) == [there]
    queue.leave(there)
    assert queue.waiting == 0


def test_the_expected_wait_is_learned_from_departures() -> None:
    queue = queued(*[ticket() for _ in range(5)])
    assert queue.expected("m", "k") == 0
    served(queue, 1, NOW + 2)
    assert queue.expected("m", "k") == pytest.approx(5 * 2)
    assert queue.retry_after("m", "k") == pytest.approx(10)
    assert queue.retry_after("other", "k") == 1


def test_whose_turn_would_come_too_late_is_told_at_once() -> None:
    queue = queued(*[ticket() for _ in range(5)])
    served(queue, 1, NOW + 2)
    assert not queue.enter(ticket(deadline=NOW + 2 + 9), NOW + 2)
    assert queue.enter(ticket(deadline=NOW + 2 + 11), NOW + 2)


def test_who_asks_little_is_not_refused_for_the_line_of_who_asks_much() -> None:
    queue = queued(*[ticket("many") for _ in range(9)])
    served(queue, 1, NOW + 1)
    assert not queue.enter(ticket("many", deadline=NOW + 1 + 5), NOW + 1)
    assert queue.enter(ticket("few", deadline=NOW + 1 + 5), NOW + 1)
    assert queue.expected("m", "few") == pytest.approx(4)
    assert queue.expected("m", "many") == pytest.approx(10)


def test_the_urgent_are_not_refused_for_the_line_of_those_who_can_wait() -> None:
    queue = queued(*[ticket("a", priority=1) for _ in range(9)])
    served(queue, 1, NOW + 1)
    assert queue.expected("m", "a", 1) == pytest.approx(9)
    assert queue.expected("m", "b", 0) == pytest.approx(1)
    assert queue.enter(ticket("b", deadline=NOW + 3, priority=0), NOW + 1)
    assert queue.expected("m", "a", 1) == pytest.approx(10), "who can wait also waits for them"
    assert not queue.enter(ticket("c", deadline=NOW + 3, priority=1), NOW + 1)


def test_a_rate_of_long_ago_refuses_nobody() -> None:
    queue = queued(ticket(), ticket())
    assert len(served(queue, 1, NOW + 500)) == len(served(queue, 1, NOW + 999)) == 1
    assert queue.enter(ticket(deadline=NOW + 2005), NOW + 2000)


OPERATIONS = st.tuples(
    st.sampled_from(["enter", "leave", "serve"]), st.sampled_from("abc"), st.sampled_from("mn"), st.integers(0, 5)
)
STEPS = st.lists(OPERATIONS, max_size=60)


@settings(deadline=None)
@given(STEPS, st.integers(1, 8))
def test_every_ticket_leaves_once_and_the_counts_hold(steps: list[tuple[str, str, str, int]], limit: int) -> None:
    queue, inside, out = WaitQueue(limit), list[Ticket](), list[Ticket]()
    for what, key, lane, number in steps:
        if what == "enter" and queue.enter(each := ticket(key, lane, float(number + 1), NOW + 10000 + number), NOW):
            inside.append(each)
        elif what == "leave" and inside:
            queue.leave(inside.pop(number % len(inside)))
        elif what == "serve":
            taken: list[Ticket] = []
            queue.serve(takes(number, taken), NOW)
            out += taken
            inside = [each for each in inside if each not in taken]
        assert queue.waiting == len(inside) <= limit
        assert sum(each.waiting for each in queue.lanes.values()) == len(inside)
        assert sum(sum(each.flows.values()) for each in queue.lanes.values()) == len(inside)
    rest = served(queue)
    assert sorted(map(id, rest)) == sorted(map(id, inside))
    assert len(set(map(id, out + rest))) == len(out + rest)
