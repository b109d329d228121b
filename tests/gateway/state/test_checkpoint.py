"""What was learned outlives the process, and is refused where it is old, foreign, or of another shape."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from backends.engine.profile import Profile
from backends.engine.server import Engine, EngineOptions
from gateway import clock
from gateway.catalog.catalog import compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.ledger.database import open_to_read
from gateway.recording.log import Log
from gateway.state.checkpoint import OLDEST, Piece, pieces, recall, version
from gateway.state.live_state import LiveState
from policies.learning.predict.latency import LatencyPredictor, LoadFeatures
from tests.contracts.serving import configured
from tests.e2e.process import chat, serving

CONFIG = """
deployments:
  gpu: {provider: vllm, model: m, endpoints: ["http://a", "http://b"]}
  cloud: {provider: openai_compatible, model: m, base_url: "http://c/v1", price: {input: 1, output: 2}}
models: {m: {deployments: [gpu, cloud], policy: cheap}, quick: {deployments: [gpu], policy: lowest_latency}}
policies: {cheap: {kind: slo_cost, slo: {ttft: 1s, tpot: 80ms}}}
"""
SITUATION = LoadFeatures(2000.0, 500.0, 3.0, 1.0, 4000.0)


class Known:
    """A gateway's live state and catalog. ``log`` is what it said."""

    def __init__(self, config: str = CONFIG) -> None:
        self.live = LiveState()
        self.live.follow(compile_catalog(configured(config), {}, CredentialRefresher()).topology)
        self._said = io.StringIO()
        self._log = Log("info", self._said)

    def recall(self, saved: list[Piece]) -> str:
        recall(self.live, saved, self._log)
        self._log.flush()
        return self._said.getvalue()

    def predictor(self) -> LatencyPredictor:
        found = self.live.endpoints.loads["gpu", "http://a"].predictor
        assert found is not None
        return found

    def foretold(self) -> tuple[float, float]:
        told = self.predictor().first_token(SITUATION, clock.now())
        return told.seconds, told.quantile(0.9)


def taught() -> Known:
    """Its first endpoint takes four seconds, again and again."""
    known, now = Known(), clock.now()
    predictor = known.predictor()
    for _ in range(100):
        predictor.observe_first(SITUATION, predictor.first_token(SITUATION, now), 4.0, now)
    speed = known.live.endpoints.loads["gpu", "http://a"].speed
    assert speed is not None
    speed.observe(True, 4.0, 3, now)
    known.live.estimates.bytes_per_token["m"], known.live.estimates.output["m"] = 3.25, 99.0
    shadow = known.live.endpoints.pools["gpu"].shadow
    assert shadow is not None
    shadow.price = 0.5
    return known


@pytest.fixture
def told() -> Iterator[tuple[Known, list[Piece]]]:
    known = taught()
    yield known, list(pieces(known.live))


def test_another_gateway_foretells_the_same(told: tuple[Known, list[Piece]]) -> None:
    first, saved = told
    second, cold = Known(), Known().foretold()
    assert "warm start: " in second.recall(saved)
    assert second.foretold() == pytest.approx(first.foretold(), rel=0.01) != pytest.approx(cold, rel=0.5)
    assert second.predictor().hardware is second.live.endpoints.loads["gpu", "http://b"].predictor.hardware  # type: ignore[union-attr]
    assert (second.live.estimates.bytes_per_token["m"], second.live.estimates.output["m"]) == (3.25, 99.0)
    assert second.live.endpoints.pools["gpu"].shadow.price == 0.5  # type: ignore[union-attr]


def test_moments_are_those_of_the_new_clock(told: tuple[Known, list[Piece]]) -> None:
    """As on another machine, whose monotonic clock began at another time."""
    first, saved = told
    moved = [msgspec.structs.replace(piece, moment=piece.moment - 5e6, time=piece.time - 30.0) for piece in saved]
    second = Known()
    second.recall(moved)
    assert second.predictor().heard == pytest.approx(first.predictor().heard + 5e6 - 30.0, abs=5.0)
    speed, told_first = (
        second.live.endpoints.loads["gpu", "http://a"].speed,
        first.live.endpoints.loads["gpu", "http://a"].speed,
    )
    assert speed is not None and told_first is not None
    assert speed.heard_at == pytest.approx(told_first.heard_at + 5e6 - 30.0, abs=5.0)
    assert max(speed.first.probes.seen_at) == pytest.approx(speed.heard_at) and min(speed.first.probes.seen_at) < 0


def test_what_is_old_is_refused_and_says_so(told: tuple[Known, list[Piece]]) -> None:
    _, saved = told
    second = Known()
    said = second.recall([msgspec.structs.replace(piece, time=piece.time - OLDEST - 60) for piece in saved])
    assert "24 h old: starting cold" in said and second.foretold() == pytest.approx(Known().foretold())


def test_another_versions_is_refused_and_says_so(told: tuple[Known, list[Piece]]) -> None:
    _, saved = told
    second = Known()
    said = second.recall([msgspec.structs.replace(piece, version="other") for piece in saved])
    assert "another version: starting cold" in said and second.foretold() == pytest.approx(Known().foretold())


def test_what_is_of_another_upstream_or_damaged_is_left_out(told: tuple[Known, list[Piece]]) -> None:
    _, saved = told
    other = Known(CONFIG.replace("model: m, endpoints", "model: larger, endpoints"))
    other.recall([*saved, Piece("class gpu", "vllm:larger", version(), clock.wall(), clock.now(), b"\xc1")])
    assert other.foretold() == pytest.approx(Known().foretold())
    assert other.live.estimates.bytes_per_token["m"] == 3.25


def test_nothing_learned_says_nothing() -> None:
    assert Known().recall([]) == ""


async def test_a_restarted_process_foretells_like_the_one_before(tmp_path: Path) -> None:
    slow = msgspec.structs.replace(Profile(), prefill_base=0.5)
    engine = Engine(EngineOptions(model="m", profile=slow))
    url = await engine.start("127.0.0.1", 0)
    config = f"""
deployments: {{gpu: {{provider: vllm, model: m, endpoints: ["{url}"]}}}}
models: {{m: {{deployments: [gpu], policy: cheap}}}}
policies: {{cheap: {{kind: slo_cost, slo: {{ttft: 1s}}}}}}
telemetry: {{ledger: l.db}}
"""
    for count in (12, 1):
        async with serving(tmp_path, config) as gateway, httpx.AsyncClient(timeout=60) as http:
            for _ in range(count):
                answer = await chat(http, gateway.url, model="m", stream=True, max_tokens=2)
                assert answer.status_code == 200
            gateway.signal(2)
            assert await gateway.exit() == 0
    await engine.stop()
    ledger = open_to_read(tmp_path / "l.db")
    rows = ledger.execute("SELECT predicted_ttft, first_token FROM requests ORDER BY time").fetchall()
    ledger.close()
    foretold = [row[0] for row in rows]
    assert len(foretold) == 13 and foretold[0] < 0.2 < 0.4 < foretold[11]
    assert foretold[12] == pytest.approx(foretold[11], rel=0.3)
    assert '"warm start: ' in (tmp_path / "stderr").read_text()
