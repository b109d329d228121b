"""Simulated runs: times as the replica's model has them, failures as the attempt machine follows them."""

from pathlib import Path

import msgspec
import pytest

from backends.engine.profile import Profile
from gateway.config import Config
from gateway.simulate.trace import Arrival
from gateway.simulate.workload_spec import CloudSpec, Outage, Slowdown
from tests.gateway.simulate.world import config, played, steady, trace


@pytest.fixture
def pool(tmp_path: Path) -> Config:
    return config(tmp_path)


def test_a_lone_request_takes_what_the_profile_says(pool: Config) -> None:
    world = played(pool, "least_busy", trace(Arrival(0.0, 1000, 3)))
    profile = Profile()
    first = profile.prefill_base + profile.prefill_seconds(0, 1000)
    assert world.tally.ttft == [pytest.approx(first)]
    decode = profile.decode_seconds(1, 1000) + profile.decode_seconds(1, 1001)
    assert world.tally.e2e == [pytest.approx(first + decode)]
    assert world.tally.tpot == [pytest.approx(decode / 2)]


def test_the_same_seed_gives_the_same_run_and_another_seed_another(pool: Config) -> None:
    requests = trace(*steady(200, 0.05))
    first, again, other = (played(pool, "power_of_two", requests, seed=seed) for seed in (1, 1, 2))
    assert first.tally.timeline == again.tally.timeline
    assert first.tally.timeline != other.tally.timeline


def test_every_request_is_counted_once(pool: Config) -> None:
    world = played(pool, "round_robin", trace(*steady(100, 0.02)))
    result = world.tally.result(0.0)
    assert (result.requests, result.completed, result.rejected, result.errors) == (100, 100, 0, 0)
    assert all(load.in_flight == 0 for load in world.live.endpoints.loads.values())
    assert all(load.backlog.at(1e9) == 0 for load in world.live.endpoints.loads.values())


def test_a_prefix_is_found_where_it_was_sent(pool: Config) -> None:
    blocks = tuple(range(63))
    requests = [Arrival(10.0 * number, 1000, 5, blocks) for number in range(5)]
    hits = played(pool, "prefix", trace(*requests)).tally.result(0.0).hit_rate
    assert hits == pytest.approx(4 / 5 * 62 * 16 / 1000, abs=0.001)  # the last token is always computed
    assert played(pool, "round_robin", trace(*requests)).tally.result(0.0).hit_rate < hits / 2


def test_nobody_fails_before_the_first_token_when_a_replica_dies(pool: Config) -> None:
    requests = trace(*steady(400, 0.06), outages=[Outage(replica=0, at=8.0, lasts=6.0)])
    world = played(pool, "least_busy", requests)
    lost = world.tally.errors  # those that were being answered
    assert 0 < lost < 40
    assert world.tally.result(0.0).completed == 400 - lost
    assert world.unanswered == 0


def test_who_does_not_ask_for_prefixes_meets_them_by_chance(pool: Config) -> None:
    """A prompt's second coming is at the first one's place for one in four: what holds it is not drawn more often."""
    pairs = [Arrival(2.0 * n, 1000, 5, tuple(range(n // 2 * 1000, n // 2 * 1000 + 63))) for n in range(800)]
    for kind in ("power_of_two", "random", "peak_ewma"):
        hits = played(pool, kind, trace(*pairs)).tally.result(0.0).hit_rate
        assert 0.18 < 2 * hits < 0.32, kind


def test_a_conversation_has_its_own_place_under_session(pool: Config) -> None:
    talks = [
        Arrival(float(n), 1000, 5, tuple(range(n % 3 * 1000, n % 3 * 1000 + 63)), "", 1 + n % 3) for n in range(30)
    ]
    hits = played(pool, "session", trace(*talks)).tally.result(0.0).hit_rate
    assert hits == pytest.approx(27 / 30 * 62 * 16 / 1000, abs=0.001)
    nameless = [msgspec.structs.replace(each, conversation=0) for each in talks]
    assert played(pool, "session", trace(*nameless)).tally.result(0.0).hit_rate < hits - 0.1


def test_a_dead_replica_is_avoided_and_used_again_when_it_is_back(pool: Config) -> None:
    requests = trace(*steady(300, 0.1), outages=[Outage(replica=1, at=5.0, lasts=5.0)])
    world = played(pool, "least_busy", requests)
    before = world.upstreams["pool", "http://pool-1"]
    assert world.tally.result(0.0).completed >= 290
    assert before.computed > 1000 * 20  # type: ignore[union-attr]


def test_a_slow_replica_answers_later(pool: Config) -> None:
    even, uneven = (
        played(pool, "round_robin", trace(*steady(40, 2.0), slow=slow)).tally.result(0.0)
        for slow in ([], [Slowdown(replica=0, times=3.0)])
    )
    assert uneven.ttft.p99 == pytest.approx(3 * even.ttft.p99, rel=0.01)  # type: ignore[operator]
    assert uneven.ttft.p50 == pytest.approx(even.ttft.p50)


def test_what_the_pool_cannot_hold_goes_to_the_cloud_and_is_paid(pool: Config) -> None:
    world = played(pool, "order", trace(*steady(10, 1.0)), model="m", replicas=1)
    assert world.tally.result(0.0).spill_share == 0
    outage = [Outage(replica=0, at=0.0, lasts=100.0)]
    world = played(pool, "order", trace(*steady(10, 1.0), outages=outage), model="m", replicas=1)
    result = world.tally.result(0.0)
    assert (result.completed, result.spill_share) == (10, 1.0)
    assert result.cloud_usd == pytest.approx(10 * (1000 * 1.0 + 50 * 2.0) / 1e6)


def test_a_cloud_over_its_rate_says_429(pool: Config) -> None:
    outage = [Outage(replica=0, at=0.0, lasts=1000.0)]
    befalls = trace(*steady(20, 0.5), outages=outage, cloud=CloudSpec(rpm=5))
    result = played(pool, "order", befalls, model="m", replicas=1).tally.result(0.0)
    assert (result.completed, result.rejected + result.errors) == (5, 15)
    assert result.goodput <= 5 / 20


def test_a_prompt_that_no_replica_can_hold_is_an_error(pool: Config) -> None:
    result = played(pool, "least_busy", trace(Arrival(0.0, 10_000_000, 5))).tally.result(0.0)
    assert (result.completed, result.errors) == (0, 1)


def test_silence_is_followed_by_another_endpoint(tmp_path: Path) -> None:
    text = """
defaults: {timeouts: {ttft: 1s}}
deployments: {pool: {provider: vllm, model: m, endpoints: [http://gpu-0:8000]}}
models: {own: {deployments: [pool], policy: round_robin}}
"""
    slow = [Slowdown(replica=0, times=100.0)]
    world = played(config(tmp_path, text), "round_robin", trace(*steady(4, 5.0, output=2), slow=slow), replicas=2)
    assert world.tally.result(0.0).completed == 4
    assert max(world.tally.ttft) == pytest.approx(1.0 + min(world.tally.ttft), abs=0.01)
