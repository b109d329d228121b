"""Live load of an endpoint and of a quota domain: mutable, written by the state owner only, read by every plan."""

from collections import OrderedDict

import msgspec
from msgspec import field

from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import LatencyPredictor
from policies.learning.prefix.backlog import Backlog
from policies.learning.slo.forecast import Forecast
from policies.load.breaker import Breaker, BreakerRules
from policies.load.retry_budget import RetryBudget
from policies.load.token_bucket import TokenBucket
from policies.vocabulary.engine_state import Continues, EngineLoad

FRESH = 5.0  # seconds; a scrape older than this is "unknown", never "zero"
# Prompt and text tokens of streams that died elsewhere: one death must not make the next place prefill all of them at
# once. About what a small GPU prefills in one second, and four seconds' worth of it without delay.
RECOVERED_PER_SECOND = 16_384.0
RECOVERED_AT_ONCE = 65_536.0


class Domain(msgspec.Struct):
    """A quota domain: places that share one upstream limit, and so cool together and share a retry budget."""

    key: str  # its name, the same in every process
    budget: RetryBudget
    credential: str  # a digest; what a spent quota or an unpaid bill cools, beyond the one domain
    cooled_until: float = 0.0
    requests_left: float = float("inf")  # what the upstream said it still allows, until ``left_until``
    tokens_left: float = float("inf")
    left_until: float = 0.0


class Load(msgspec.Struct):
    """The live state of one endpoint."""

    rules: BreakerRules
    in_flight: int = 0
    in_flight_tokens: int = 0
    down: bool = False  # refused a connection, or failed its health check; cleared by the next good one
    scraped: EngineLoad = EngineLoad()
    scraped_at: float = float("-inf")
    own_at_scrape: int = 0  # our in-flight when it was scraped: the rest is other gateways'
    continues: Continues = Continues.UNKNOWN
    recoveries: TokenBucket = field(default_factory=lambda: TokenBucket(RECOVERED_PER_SECOND, RECOVERED_AT_ONCE))
    backlog: Backlog = msgspec.field(default_factory=Backlog)  # told only of requests whose blocks are named
    breakers: dict[str, Breaker] = {}  # by family; msgspec copies an empty default for each instance
    speed: Speed | None = None  # learned only where a policy in force asks for it
    predictor: LatencyPredictor | None = None  # likewise
    forecasts: OrderedDict[int, Forecast] = msgspec.field(default_factory=OrderedDict)  # by request, the oldest first
    resident: float = 0.0  # tokens that those forecasts keep in its memory

    def obey(self, rules: BreakerRules) -> None:
        """A configuration has these, for all families."""
        self.rules = rules
        for breaker in self.breakers.values():
            breaker.rules = rules

    def available(self, family: str, now: float) -> bool:
        if self.down or self.scraped.sleeping:
            return False
        breaker = self.breakers.get(family)
        return breaker is None or breaker.allows(now)

    def queued(self, now: float) -> float | None:
        """Requests at the engine, ours and others'; None when no fresh scrape says."""
        scraped = self.scraped
        if now - self.scraped_at > FRESH or scraped.running is None or scraped.waiting is None:
            return None
        others = scraped.running + scraped.waiting - self.own_at_scrape
        return self.in_flight + max(0.0, others)

    def kv_usage(self, now: float) -> float | None:
        """Share of the engine's KV cache in use, 0..1; None when no fresh scrape says."""
        return self.scraped.kv_usage if now - self.scraped_at <= FRESH else None

    def breaker(self, family: str) -> Breaker:
        """The family's breaker, made at the first failure: an endpoint that never failed has none to ask."""
        breaker = self.breakers.get(family)
        if breaker is None:
            breaker = self.breakers[family] = Breaker(self.rules)
        return breaker
