"""When a fault strikes."""

import pytest

from backends.engine.faults import Fault, FaultBook


def strikes(fault: Fault, meetings: int, family: str = "chat", control: bool = False) -> list[bool]:
    book = FaultBook([fault])
    return [book.draw(family, control) is not None for _ in range(meetings)]


def test_a_fault_strikes_so_many_times_or_always() -> None:
    assert strikes(Fault(kind="cut", times=2), 4) == [True, True, False, False]
    assert strikes(Fault(kind="cut"), 4) == [True] * 4


def test_chance_follows_from_the_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        return strikes(Fault(kind="cut", probability=0.3, seed=seed), 1000)

    assert drawn(1) == drawn(1) != drawn(2)
    assert 220 < sum(drawn(1)) < 380
    assert not any(strikes(Fault(kind="cut", probability=0), 100))


@pytest.mark.parametrize(
    ("fault", "family", "control", "hit"),
    [
        (Fault(kind="cut"), "chat", False, True),
        (Fault(kind="cut"), "metrics", True, False),
        (Fault(kind="cut", family="metrics"), "metrics", True, True),
        (Fault(kind="cut", family="embeddings"), "chat", False, False),
        (Fault(kind="health"), "health", True, True),
        (Fault(kind="health"), "chat", False, False),
    ],
)
def test_a_fault_strikes_its_family_and_leaves_control_alone(
    fault: Fault, family: str, control: bool, hit: bool
) -> None:
    assert strikes(fault, 1, family, control) == [hit]


def test_the_first_fault_that_strikes_wins() -> None:
    book = FaultBook([Fault(kind="cut", times=1), Fault(kind="stall")])
    drawn = [book.draw("chat", False), book.draw("chat", False)]
    assert [fault and fault.kind for fault in drawn] == ["cut", "stall"]
