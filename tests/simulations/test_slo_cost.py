"""slo_cost in simulation: what the pool can carry stays there, what it cannot is bought in time, and nothing swings."""

from itertools import pairwise
from pathlib import Path

import pytest

from gateway.config import Config, load
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Arrival
from gateway.simulate.workload_spec import Outage, Slowdown
from tests.gateway.simulate.world import trace

CONFIG = """
deployments:
  gpu: {provider: embedded, model: m, replicas: 2, cost: {per_hour: 2}}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 0.5, output: 1.5}}
models: {m: {deployments: [gpu, cloud], policy: cheap}, own: {deployments: [gpu], policy: cheap}}
policies: {cheap: {kind: slo_cost, slo: {ttft: 1s, per_1k_tokens: 100ms, tpot: 80ms}}}
"""


@pytest.fixture
def pool(tmp_path: Path) -> Config:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG)
    return load(path, {})


def arrivals(seconds: float, rate: float, start: float = 0.0) -> list[Arrival]:
    """Chats of 700 to 2,900 tokens, answered by 40 to 160, at ``rate`` a second."""
    count = int(seconds * rate)
    return [Arrival(start + n / rate, 700 + n * 379 % 2200, 40 + n * 61 % 120) for n in range(count)]


def played(config: Config, requests: list[Arrival], model: str = "m", **world: object) -> Simulation:
    made = Simulation(config, "cheap", trace(*requests, **world), Options(model=model), 1)
    made.run(lambda _: None)
    return made


def test_what_the_pool_can_carry_is_not_bought(pool: Config) -> None:
    world = played(pool, arrivals(120, 4))
    assert world.tally.result(0.0).spill_share < 0.03  # exploration, and no more
    assert world.tally.result(0.0).goodput > 0.97


def test_what_it_cannot_is_bought_in_time_and_the_pool_stays_busy(pool: Config) -> None:
    world = played(pool, arrivals(120, 40))
    found = world.tally.result(0.0)
    assert found.goodput > 0.85 and found.errors == found.rejected == 0
    assert 0.3 < found.spill_share < 0.9, "neither flooded nor starved"


def test_a_burst_spills_and_the_calm_after_it_does_not(pool: Config) -> None:
    calm, burst = arrivals(60, 4), arrivals(30, 40, start=60)
    world = played(pool, calm + burst + arrivals(120, 4, start=90))
    spilled = world.tally.spilled
    assert 0.2 * len(burst) < spilled < len(burst)
    assert world.tally.result(0.0).goodput > 0.85


def test_under_a_steady_overload_pool_and_cloud_both_serve_in_every_minute(pool: Config) -> None:
    world = Simulation(pool, "cheap", trace(*arrivals(180, 30)), Options(model="m"), 1)
    spilled: list[int] = []
    world.run(lambda _: spilled.append(world.tally.spilled))
    minutes = [(b - a) / (7 * 256) for a, b in pairwise(spilled[::7])]  # of 7 x 256 arrivals, 60 s
    assert len(minutes) == 3 and all(0.3 < share < 0.9 for share in minutes), minutes


def test_without_a_cloud_it_is_a_load_balancer_that_predicts(pool: Config) -> None:
    world = played(pool, arrivals(120, 5), model="own")
    assert world.tally.result(0.0).errors == 0
    counts = [len(load.backlog.owed) for load in world.live.loads.values()]
    assert not any(counts), "nothing is left owed"
    assert world.tally.result(0.0).goodput > 0.9


def test_a_replica_that_slows_down_is_found(pool: Config) -> None:
    world = played(pool, arrivals(240, 6), slow=[Slowdown(replica=0, at=60.0, times=4.0)])
    slow, quick = (c.load.predictor for c in world.catalog.candidates["gpu"])
    assert slow is not None and quick is not None
    assert slow.factor(world.ended) > 1.5 * quick.factor(world.ended)
    assert world.tally.result(0.0).goodput > 0.8


def test_a_replica_that_dies_costs_nobody_the_first_token(pool: Config) -> None:
    world = played(pool, arrivals(60, 8), outages=[Outage(replica=0, at=20.0, lasts=10.0)])
    assert world.unanswered == 0


def test_nothing_is_left_behind(pool: Config) -> None:
    world = played(pool, arrivals(60, 20))
    for load_ in world.live.loads.values():
        assert not load_.forecasts and load_.resident == pytest.approx(0, abs=1e-6)


def test_chosen_first_tokens_hold_their_quantiles(pool: Config) -> None:
    """Calibrated on what was chosen, not on what was considered."""
    world = Simulation(pool, "cheap", trace(*arrivals(300, 12)), Options(model="m"), 1)
    held: dict[float, int] = dict.fromkeys((0.1, 0.5, 0.9, 0.95), 0)
    seen = 0
    came = world.live.foresight.came

    def watched(candidate, request, now):  # type: ignore[no-untyped-def]
        nonlocal seen
        forecast = candidate.load.forecasts.get(request.seed)
        if forecast is not None and now > 60:
            seen += 1
            for share in held:
                held[share] += now - forecast.sent <= forecast.estimate.first.quantile(share)
        came(candidate, request, now)

    world.live.foresight.came = watched  # type: ignore[method-assign]
    world.run(lambda _: None)
    assert seen > 2000
    for share, count in held.items():
        assert count / seen == pytest.approx(share, abs=0.06), share
