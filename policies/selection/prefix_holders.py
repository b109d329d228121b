"""The best prefix holders: the few endpoints that hold most of a prompt, added to a sample of candidates.

Of those that hold as much the less busy go first, and of equals the seed decides, so that requests do not herd.
"""

from collections.abc import Callable

from policies.load.candidate import Candidate
from policies.vocabulary.hashing import mix
from policies.vocabulary.types import Request

FEW = 3  # beside those drawn, some of which hold it too; with one `slo_cost` was seen to buy twice as much from a cloud
ENOUGH = 8  # places to look at, in all; where there are no more, none is left out

Filtered = Callable[[list[Candidate]], list[Candidate]]


def beside(request: Request, drawn: list[Candidate], holders: list[Candidate], free: Filtered) -> list[Candidate]:
    """Those drawn, and the best of the holders that were not; ``free`` leaves out those that cannot be chosen."""
    taken, few = set(map(id, drawn)), max(FEW, ENOUGH - len(drawn))
    others = [c for c in holders if id(c) not in taken]
    if len(others) > few:
        ranked = best(request, others)
        chosen = free(ranked[:few])
        return (chosen if len(chosen) == few else free(ranked)[:few]) + drawn
    held = request.matched or {}
    return free(holders) + [c for c in drawn if c.id not in held]


def best(request: Request, holders: list[Candidate]) -> list[Candidate]:
    """All of them (at least one is given), the best first."""
    held, turn = request.matched or {}, mix(request.seed, len(holders)) % len(holders)
    return sorted(holders[turn:] + holders[:turn], key=lambda c: (-held[c.id], c.load.in_flight))
