"""What a ledger tells of the past: each request of an engine once, in order; the rest is counted and named."""

from pathlib import Path

import pytest

from gateway.history import calibration as calibrate
from gateway.history.from_ledger import recorded
from tests.gateway.history.rows import START, day, ledger, made


def test_requests_are_in_order_of_their_arrival_and_the_rest_is_named(tmp_path: Path) -> None:
    rows = [
        made(1, START + 5),
        made(2, START + 1, duration=0.1, time=START + 1.1, stream=False),
        made(3, START, family="embeddings"),
        made(4, START, mirror=True),
        made(5, START, status=502, failure="UNREACHABLE", usage="none", prompt_tokens=0),
        made(6, START + 6, status=499, failure="CANCELLED", usage="estimated"),
    ]
    found = recorded(ledger(tmp_path / "l.db", rows))
    assert [each.at - START for each in found.requests] == pytest.approx([1, 5, 6])
    assert [each.first for each in found.requests] == [None, 0.2, 0.2] and found.requests[2].failed
    assert found.left_out == {
        "embeddings requests": 1, "mirrored copies": 1, "failed requests without token counts": 1
    }  # fmt: skip
    assert any("no cache hits" in lack for lack in found.lacks)


def test_one_model_and_some_days_can_be_asked_for(tmp_path: Path) -> None:
    path = ledger(tmp_path / "l.db", [made(1, START), made(2, START + 90_000), made(3, START, model="other")])
    assert len(recorded(path, model="m").requests) == 2
    assert len(recorded(path, START + 80_000).requests) == 1


def test_what_prompts_share_is_played_again(tmp_path: Path) -> None:
    def blocks(*names: int) -> bytes:
        return b"".join(name.to_bytes(8, "little") for name in names)

    rows = [made(n, START + n, blocks=blocks(7, 8, n), block_tokens=300.0 + n) for n in range(3)]
    trace = recorded(ledger(tmp_path / "l.db", rows)).trace()
    assert trace.block == 301 and [each.blocks[:2] for each in trace.arrivals] == [(7, 8)] * 3


def test_places_are_as_fast_as_they_were(tmp_path: Path) -> None:
    requests = recorded(day(tmp_path / "l.db")).requests
    replica, cloud = calibrate.replica(requests, {"gpu"}), calibrate.cloud(requests, {"gpu"})
    assert replica is not None and cloud is not None
    assert replica.prefill_base + replica.prefill_seconds(0, 1000) == pytest.approx(0.15, rel=0.15)
    assert replica.decode_seconds(1, 0) == pytest.approx(0.02, rel=0.1)
    assert (cloud.ttft, cloud.tpot) == (pytest.approx(0.5), pytest.approx(0.01))


def test_too_few_answers_tell_nothing(tmp_path: Path) -> None:
    requests = recorded(day(tmp_path / "l.db", 40)).requests
    assert calibrate.replica(requests, {"gpu"}) is None and calibrate.cloud(requests, {"gpu"}) is None
