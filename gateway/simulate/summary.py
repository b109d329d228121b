"""The summary of a run: its result, and what tables and pages show beyond it."""

import msgspec

from gateway.simulate.results import Quantiles, Result, Tally, jain, quantiles
from gateway.simulate.simulation import Simulation
from gateway.simulate.upstream_models import OwnReplica


class Summary(msgspec.Struct, frozen=True):
    """``fairness``: Jain's index over the groups' goodput; ``balance``: over the tokens the replicas computed."""

    result: Result
    e2e: Quantiles
    fairness: float
    balance: float
    ttft: list[float]  # seconds, of each completed request, in order
    tpot: list[float]
    timeline: list[tuple[float, float]]  # (moment of arrival, TTFT)


def summarise(world: Simulation) -> Summary:
    computed = [float(place.computed) for place in world.places.values() if isinstance(place, OwnReplica)]
    return summed(world.tally, world.tally.result(world.pool_usd()), world.tally.fairness(), jain(computed))


def summed(tally: Tally, result: Result, fairness: float = 1.0, balance: float = 1.0) -> Summary:
    return Summary(
        result=result,
        e2e=quantiles(tally.e2e),
        fairness=fairness,
        balance=balance,
        ttft=sorted(tally.ttft),
        tpot=sorted(tally.tpot),
        timeline=sorted(tally.timeline),
    )
