"""Live load: unknown is never zero."""

import pytest

from policies.load.breaker import BreakerRules
from policies.load.load import FRESH, Load
from policies.vocabulary.engine_state import EngineLoad
from tests.policies.world import NOW


def load(running: float | None, waiting: float | None, own: int = 0, own_then: int = 0) -> Load:
    seen = EngineLoad(running=running, waiting=waiting)
    return Load(BreakerRules(), in_flight=own, scraped=seen, scraped_at=NOW, own_at_scrape=own_then)


def test_others_requests_count_beside_our_own() -> None:
    assert load(7.0, 3.0, own=2, own_then=4).queued(NOW) == 8.0  # 10 at the engine, 4 of them ours then; 2 now


def test_an_engine_that_counts_fewer_than_we_sent_it_has_no_negative_others() -> None:
    assert load(1.0, 0.0, own=5, own_then=5).queued(NOW) == 5.0


def test_a_stale_scrape_is_unknown() -> None:
    seen = load(7.0, 3.0)
    assert seen.queued(NOW + FRESH) == 10.0
    assert seen.queued(NOW + FRESH + 0.1) is None


def test_an_endpoint_never_scraped_is_unknown() -> None:
    assert Load(BreakerRules()).queued(0.0) is None


@pytest.mark.parametrize(("running", "waiting"), [(None, None), (None, 3.0), (7.0, None)])
def test_half_an_answer_is_unknown(running: float | None, waiting: float | None) -> None:
    assert load(running, waiting).queued(NOW) is None


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize("sleeping", [True, False, None])
def test_it_is_available_unless_down_or_asleep(down: bool, sleeping: bool | None) -> None:
    seen = Load(BreakerRules(), down=down, scraped=EngineLoad(sleeping=sleeping))
    assert seen.available("chat", NOW) == (not down and not sleeping)


def test_a_breaker_closes_one_family_only() -> None:
    seen = Load(BreakerRules())
    seen.breaker("chat").trip(NOW, NOW)
    assert not seen.available("chat", NOW)
    assert seen.available("embeddings", NOW)


def test_loads_share_no_breakers() -> None:
    first, second = Load(BreakerRules()), Load(BreakerRules())
    first.breaker("chat").trip(NOW, NOW)
    assert second.available("chat", NOW)
