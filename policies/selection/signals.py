"""Signals that scorers read, with degradation: a signal that some candidate lacks is replaced by the next weaker one,
for all candidates alike, and its name is reported.

    PREDICTED -> LEARNED -> SCRAPED -> IN_FLIGHT      how fast, how busy
    PRECISE -> PREFIX -> SESSION -> IN_FLIGHT         where the prompt is known

Stale telemetry is unknown: never zero, never saturated. Two units are never mixed in one comparison.
"""

from collections.abc import Callable

from policies.learning.learners.speed import Speed, Timing
from policies.load.candidate import Candidate
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

NEVER = float("-inf")


def busy(candidates: list[Candidate], now: float) -> tuple[list[float], Signal]:
    """Requests at each endpoint: ours and others' where every candidate has a fresh scrape, else ours alone."""
    queued = [c.load.queued(now) for c in candidates]
    known = [q for q in queued if q is not None]
    if len(known) == len(queued):
        return known, Signal.SCRAPED
    return [float(c.load.in_flight) for c in candidates], Signal.IN_FLIGHT


def latencies(request: Request, candidates: list[Candidate], now: float) -> list[float] | None:
    """Seconds until the client has something in hand, as recent answers at a like load say; None: there were none."""
    return _at_load(candidates, lambda speed: speed.latency(request.stream), now)


def peaks(request: Request, candidates: list[Candidate], now: float) -> list[float] | None:
    """The same whatever the load: the peak-sensitive means."""
    return _settled(candidates, lambda _, speed: speed.latency(request.stream).ewma.at(now), now)


def token_times(candidates: list[Candidate], now: float) -> list[float] | None:
    """Seconds by output token, as recent answers at a like load say; None: there were none."""
    return _at_load(candidates, lambda speed: speed.token, now)


def foreseen(candidates: list[Candidate]) -> bool:
    """Whether each of them has a predictor."""
    return True not in [c.load.predictor is None for c in candidates]


def learned(candidates: list[Candidate]) -> bool:
    """Whether any answer has told of any of them."""
    return any(c.load.speed is not None and c.load.speed.heard_at > NEVER for c in candidates)


def _at_load(candidates: list[Candidate], timing: Callable[[Speed], Timing], now: float) -> list[float] | None:
    """What each would take with so many there. Settled by request there, or who is not heard of would be taken to be as
    crowded as its siblings."""

    def by_request(c: Candidate, speed: Speed) -> float:
        return timing(speed).at(c.load.in_flight, now) / (1 + c.load.in_flight)

    shares = _settled(candidates, by_request, now)
    return shares and [share * (1 + c.load.in_flight) for share, c in zip(shares, candidates, strict=True)]


def _settled(candidates: list[Candidate], read: Callable[[Candidate, Speed], float], now: float) -> list[float] | None:
    """Each candidate's own time as far as it is still trusted, and its siblings' for the rest.

    An endpoint that was not heard of for long is so taken for an average one, and is tried again.
    """
    own: list[tuple[float, float]] = []
    sums: dict[str, tuple[float, float]] = {}  # by deployment, of trusted time and of trust; under "" of all
    for c in candidates:
        speed = c.load.speed
        value = read(c, speed) if speed is not None else 0.0
        trust = speed.trust(now) if speed is not None and value else 0.0
        own.append((value, trust))
        if trust:
            for name in (c.id[0], ""):
                told, trusted = sums.get(name, (0.0, 0.0))
                sums[name] = told + value * trust, trusted + trust
    if not sums:
        return None
    settled = []
    for c, (value, trust) in zip(candidates, own, strict=True):
        told, trusted = sums.get(c.id[0]) or sums[""]
        settled.append(trust * value + (1.0 - trust) * told / trusted)
    return settled
