"""The watch: what is late is told so, whatever becomes of the rest."""

from math import inf

from gateway.proxy.deadlines import Deadlines
from tests.contracts.serving import until


class Late:
    """Late since ever."""

    def __init__(self) -> None:
        self.deadline, self.total, self.told = 0.0, inf, 0

    def expire(self, now: float) -> None:
        self.told += 1
        self.deadline = inf


class Broken(Late):
    def expire(self, now: float) -> None:
        self.told += 1
        raise RuntimeError("a defect")


async def test_a_defect_of_one_keeps_no_other_from_its_end_and_is_met_once() -> None:
    watch, sound, broken = Deadlines(), [Late() for _ in range(20)], [Broken() for _ in range(20)]
    for each in (*sound, *broken):
        watch.add(each)
    await until(lambda: all(each.told for each in sound))
    ticks = watch.ticks
    await until(lambda: watch.ticks > ticks + 1)
    watch.close()
    assert {each.told for each in (*sound, *broken)} == {1}
