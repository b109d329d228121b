"""KV headroom: more free KV cache scores higher.

A scrape is up to seconds old, and what was sent since is in no figure of the engine: it counts as a share of the
headroom, or all requests between two scrapes would go to one place. Where one candidate has no fresh scrape, all are
compared by our own tokens under way.
"""

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.scorers.token_load import TokenLoad
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class KvHeadroom(Scorer, frozen=True, tag="kv_headroom"):
    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        usage = [c.load.kv_usage(now) for c in candidates]
        known = [u for u in usage if u is not None]
        if len(known) < len(usage):
            return TokenLoad().score(request, candidates, now)
        since = [max(0, c.load.in_flight - c.load.own_at_scrape) for c in candidates]
        free = [max(0.0, 1.0 - u) / (1.0 + n) for u, n in zip(known, since, strict=True)]
        most = max(free)
        return [each / most if most else 1.0 for each in free]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        fresh = all(c.load.kv_usage(now) is not None for c in candidates)
        return Signal.SCRAPED if fresh else Signal.IN_FLIGHT
