"""Timeouts and retry rules. The configuration takes these structs as they are, so a default stands here only."""

import msgspec
from msgspec import structs

from policies.vocabulary.units import Count, Duration, Percent, Timeout


class TimeoutOverrides(msgspec.Struct, frozen=True, kw_only=True):
    """Timeouts of one deployment or model; a key left out inherits.

    connect: Longest wait for a connection to an endpoint.
    response: Longest wait for the headers of an answer that is not streamed.
    ttft: Longest wait for the first content of a stream.
    stream_idle: Longest silence within a stream.
    total: Longest time for the whole request, retries and fallbacks included.
    """

    connect: Timeout | None = None
    response: Timeout | None = None
    ttft: Timeout | None = None
    stream_idle: Timeout | None = None
    total: Timeout | None = None


class Timeouts(TimeoutOverrides, frozen=True, kw_only=True):
    """Timeouts where no deployment or model says otherwise."""

    connect: Timeout = 5.0
    response: Timeout = 300.0
    ttft: Timeout = 30.0
    stream_idle: Timeout = 30.0
    total: Timeout = 600.0

    def overridden(self, *layers: TimeoutOverrides | None) -> "Timeouts":
        """These timeouts with each layer's own laid over them, the last one winning."""
        changes: dict[str, float] = {}
        for layer in layers:
            changes |= {key: value for key, value in structs.asdict(layer).items() if value} if layer else {}
        return structs.replace(self, **changes)


class RetryRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a failed attempt is repeated on the same deployment.

    attempts: Extra tries per deployment.
    base: First backoff, doubled for each further one and jittered.
    cap: Longest backoff.
    max_retry_after: Longest Retry-After that is waited out rather than left for the next tier.
    budget: Retries as a share of the requests of a failure domain; fallbacks are free of it.
    """

    attempts: Count = 2
    base: Duration = 0.25
    cap: Duration = 5.0
    max_retry_after: Duration = 2.0
    budget: Percent = 0.2
