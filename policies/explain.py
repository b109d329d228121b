"""The decision record. Rule: made by running the same plan again, step by step, never by bookkeeping on the path."""

import msgspec

from policies.plan import has_room, plan
from policies.types import Candidate, Model, Request, Snapshot


class Considered(msgspec.Struct, frozen=True):
    """One candidate. ``refused_by``: the filter that took it out (or ``full``), empty where it stayed."""

    tier: int
    deployment: str
    endpoint: str
    in_flight: int
    queued: float | None  # ours and others', from a fresh scrape
    refused_by: str
    score: float | None
    chosen: bool


class Decision(msgspec.Struct, frozen=True):
    """Where a request goes and why; tiers after the chosen one were not asked."""

    model: str
    policy: str
    family: str
    prompt_tokens: int
    considered: tuple[Considered, ...]


def explain(request: Request, model: Model, snapshot: Snapshot) -> Decision:
    """The record of the decision that ``plan`` takes on the same arguments."""
    chosen = plan(request, model, snapshot)
    rows: list[Considered] = []
    for number, tier in enumerate(model.tiers):
        rows += _tier(request, model, snapshot, number, list(tier), chosen.candidate)
        if chosen.candidate is not None and number == chosen.tier:
            break
    return Decision(model.name, model.policy.kind, request.family, request.prompt_tokens, tuple(rows))


def _tier(
    request: Request, model: Model, snapshot: Snapshot, number: int, tier: list[Candidate], chosen: Candidate | None
) -> list[Considered]:
    refused: dict[tuple[str, str], str] = {}
    left, now = tier, snapshot.now
    for each in model.policy.filters:
        kept = each.keep(request, left, now)
        refused |= {c.id: type(each).__name__.lower() for c in left if c not in kept}
        left = kept
    refused |= {c.id: "full" for c in left if not has_room(c)}
    left = [c for c in left if has_room(c)]
    scores = dict(zip((c.id for c in left), model.policy.scores(request, left, now), strict=True)) if left else {}
    return [
        Considered(
            number,
            *c.id,
            c.load.in_flight,
            c.load.queued(now),
            refused.get(c.id, ""),
            scores.get(c.id),
            chosen is not None and c.id == chosen.id,
        )
        for c in tier
    ]
