"""The decision record, made by running the plan again step by step; the hot path keeps no books for it."""

from collections import Counter

import msgspec

from policies.learning.slo.estimate import Slo
from policies.load.candidate import Candidate
from policies.selection.foretell import foretold
from policies.selection.model import Model, Snapshot
from policies.selection.plan import has_room, plan
from policies.selection.profile import Policy
from policies.selection.scorers.cost import expected_cost
from policies.selection.scorers.slo_cost import SloCost
from policies.selection.signals import latencies, token_times
from policies.vocabulary.hashing import mix
from policies.vocabulary.types import Request

DRAWS = 256  # other seeds that a propensity is counted from


class Considered(msgspec.Struct, frozen=True):
    """One candidate. ``refused_by``: the filter that took it out (or ``full``), empty where it stayed.

    ``score`` is the weighted sum of ``scores`` (by scorer). ``propensity``: the share of other draws of the same state
    that would choose it. ``features``: what scores are read from. ``predictions`` of this very request, where the place
    has a predictor: seconds to the first token (median and 95th percentile) and for each further one, the chance of
    missing the target, and an own engine's GPU-seconds and their price. What is not known is left out.
    """

    tier: int
    deployment: str
    endpoint: str
    in_flight: int
    queued: float | None  # ours and others', from a fresh scrape
    refused_by: str
    score: float | None
    chosen: bool
    propensity: float = 0.0
    scores: dict[str, float] = {}
    features: dict[str, float] = {}
    predictions: dict[str, float] = {}


class Decision(msgspec.Struct, frozen=True):
    """Where a request goes and why; tiers after the chosen one were not asked."""

    model: str
    policy: str
    family: str
    prompt_tokens: int
    considered: tuple[Considered, ...]
    signal: str = ""
    seed: int = 0
    difficulty: float | None = None  # of the prompt, where the policy asks, and above what it is hard
    threshold: float | None = None


def explain(request: Request, model: Model, snapshot: Snapshot) -> Decision:
    """The record of the decision that ``plan`` takes on the same arguments."""
    found = plan(request, model, snapshot)
    rows: list[Considered] = []
    for number, tier in enumerate(model.tiers):
        asked = found.candidate is not None and number == found.tier
        candidates = list(snapshot.tiers[tier.key].all)
        rows += _tier(request, model.policy, snapshot.now, number, candidates, found.candidate if asked else None)
        if asked:
            break
    return Decision(
        model=model.name,
        policy=model.policy.kind,
        family=request.family,
        prompt_tokens=request.prompt_tokens,
        considered=tuple(rows),
        signal=found.signal.value if found.signal else "",
        seed=request.seed,
        difficulty=request.difficulty,
        threshold=request.threshold if request.difficulty is not None else None,
    )


def _tier(
    request: Request, policy: Policy, now: float, number: int, tier: list[Candidate], chosen: Candidate | None
) -> list[Considered]:
    refused: dict[tuple[str, str], str] = {}
    left = tier
    for each in policy.filters:
        kept = {c.id for c in each.keep(request, left, now)}
        refused |= {c.id: _kind(each) for c in left if c.id not in kept}
        left = [c for c in left if c.id in kept]
    refused |= {c.id: "full" for c in left if not has_room(c)}
    left = [c for c in left if has_room(c)]
    total = _by_id(left, policy.scores(request, left, now)) if left else {}
    parts = [(_kind(scorer), _by_id(left, scorer.score(request, left, now))) for scorer in policy.scorers if left]
    odds = _propensities(request, policy, left, now) if chosen is not None else Counter()
    return [
        Considered(
            number,
            *c.id,
            c.load.in_flight,
            c.load.queued(now),
            refused.get(c.id, ""),
            total.get(c.id),
            chosen is not None and c.id == chosen.id,
            odds[c.id] / DRAWS,
            {kind: scores[c.id] for kind, scores in parts if c.id in scores},
            _features(request, c, now),
            _predictions(request, policy, c, now),
        )
        for c in tier
    ]


def _propensities(request: Request, policy: Policy, left: list[Candidate], now: float) -> "Counter[tuple[str, str]]":
    """How often each is chosen when seed and turn are others and all else is the same; of DRAWS."""
    chosen: Counter[tuple[str, str]] = Counter()
    for n in range(DRAWS):
        other = msgspec.structs.replace(request, seed=mix(request.seed, n + 1), sequence=request.sequence + n)
        chosen[policy.choose(other, left, now)[0].id] += 1
    return chosen


def _features(request: Request, candidate: Candidate, now: float) -> dict[str, float]:
    load = candidate.load
    cached = (request.matched or {}).get(candidate.id)
    times = latencies(request, [candidate], now)
    paces = token_times([candidate], now)
    known = {
        "in_flight_tokens": load.in_flight_tokens,
        "kv_usage": load.kv_usage(now),
        "latency": times[0] if times else None,
        "tokens_per_second": 1.0 / paces[0] if paces else None,
        "cost_usd": expected_cost(request, candidate),
        "cached_tokens": cached,
    }
    return {name: round(float(value), 9) for name, value in known.items() if value is not None}


def _predictions(request: Request, policy: Policy, candidate: Candidate, now: float) -> dict[str, float]:
    target = next((each.slo for each in policy.scorers if isinstance(each, SloCost)), None)
    told = foretold(request, candidate, target or Slo(), now)
    if told is None:
        return {}
    known = {
        "ttft_p50": told.first.quantile(0.5),
        "ttft_p95": told.first.quantile(0.95),
        "tpot": told.each.quantile(0.5),
    }
    if target is not None:
        known["late"] = told.late
    if candidate.pool.shadow is not None:
        known |= {"gpu_seconds": told.work, "usd_per_gpu_second": candidate.pool.shadow.price}
    return {name: round(value, 9) for name, value in known.items()}


def _by_id(candidates: list[Candidate], scores: list[float]) -> dict[tuple[str, str], float]:
    return dict(zip((c.id for c in candidates), scores, strict=True))


def _kind(part: msgspec.Struct) -> str:
    return str(part.__struct_config__.tag)
