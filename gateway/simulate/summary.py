"""The summary of a run: its result, and what tables and pages show beyond it."""

import msgspec

from gateway.simulate.results import Quantiles, Result, jain, quantiles
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
    tally = world.tally
    computed = [float(place.computed) for place in world.places.values() if isinstance(place, OwnReplica)]
    return Summary(
        tally.result(world.pool_usd()),
        quantiles(tally.e2e),
        tally.fairness(),
        jain(computed),
        sorted(tally.ttft),
        sorted(tally.tpot),
        sorted(tally.timeline),
    )
