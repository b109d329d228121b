"""No policy herds: what looks at load shares a burst among equals, and bears a slow or a dead one among them."""

from pathlib import Path

import pytest

from gateway.config import Config
from gateway.config.names import PRESETS
from gateway.simulate.generate import draw
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Arrival
from gateway.simulate.upstream_models import OwnReplica
from gateway.simulate.workload_spec import Burst, Group, Outage, Slowdown, Spec
from policies.vocabulary.quantile import quantile
from tests.gateway.simulate.world import config, played, trace

BLIND = {"weighted", "round_robin", "random", "session"}  # they look at no load
SEEING = [kind for kind in PRESETS if kind not in BLIND]
CHATS = Group(name="chats", prompt_tokens=1500, output_tokens=150)


@pytest.fixture
def pool(tmp_path: Path) -> Config:
    return config(tmp_path)


def arrivals(seed: int, rate: float = 8.0, lasts: float = 60.0, **more: object) -> list[Arrival]:
    """Chats with nothing in common."""
    return draw(Spec(lasts=lasts, rate=rate, block=16, groups=[CHATS], **more), seed)  # type: ignore[arg-type]


def computed(world: Simulation) -> list[int]:
    return [place.computed for place in world.places.values() if isinstance(place, OwnReplica)]


def p99(world: Simulation) -> float:
    return quantile(sorted(world.tally.ttft), 0.99) or 0.0


@pytest.mark.parametrize("kind", SEEING)
def test_equals_share_a_burst(pool: Config, kind: str) -> None:
    burst = Burst(at=20.0, lasts=15.0, times=6.0)
    shares = computed(played(pool, kind, trace(*arrivals(1, 5.0, 35.0, bursts=[burst])), seed=1))
    assert max(shares) < 1.5 * sum(shares) / len(shares), shares


@pytest.mark.parametrize("kind", PRESETS)
def test_nobody_fails_before_the_first_token_when_one_dies(pool: Config, kind: str) -> None:
    outage = Outage(replica=1, at=20.0, lasts=20.0)
    world = played(pool, kind, trace(*arrivals(1), outages=[outage]), seed=1)
    assert world.unanswered == 0
    assert world.tally.errors < 20  # those that it was answering


@pytest.mark.parametrize("kind", ["slo_cost", "lowest_latency"])
@pytest.mark.parametrize("since", [0.0, 30.0])
def test_a_slow_one_costs_no_more_than_not_having_it(pool: Config, kind: str, since: float) -> None:
    requests = arrivals(1, lasts=120.0)
    slowed = played(pool, kind, trace(*requests, slow=[Slowdown(replica=0, times=3.0, at=since)]))
    assert p99(slowed) < 1.15 * p99(played(pool, kind, trace(*requests), replicas=3))
