"""Limits: defaults of timeouts, retries and breakers, and their overrides by deployment or model."""

from typing import Literal

from msgspec import Struct, field, structs

from gateway.config.units import Count, Duration, Percent, Positive, Size, Timeout

RecoveryMode = Literal["continue", "realign"]
Realign = Literal["deterministic", "always"]
Reasoning = Literal["error", "restart"]


class TimeoutOverrides(Struct, frozen=True, kw_only=True):
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


class Timeouts(Struct, frozen=True, kw_only=True):
    """Timeouts where no deployment or model says otherwise.

    connect: Longest wait for a connection to an endpoint.
    response: Longest wait for the headers of an answer that is not streamed.
    ttft: Longest wait for the first content of a stream.
    stream_idle: Longest silence within a stream.
    total: Longest time for the whole request, retries and fallbacks included.
    """

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


class Retry(Struct, frozen=True, kw_only=True):
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


class Breaker(Struct, frozen=True, kw_only=True):
    """When an endpoint is closed to everybody, and for how long.

    failures: Failures in a row that open the breaker.
    error_rate: Share of failures within the window that opens it.
    min_requests: Requests within the window before the rate counts.
    window: Time over which the rate is taken.
    open_for: How long it stays open before one probe is let through.
    """

    failures: Positive = 5
    error_rate: Percent = 0.5
    min_requests: Positive = 10
    window: Timeout = 30.0
    open_for: Timeout = 10.0


class Hedge(Struct, frozen=True, kw_only=True):
    """A second attempt before the first has answered.

    enabled: Whether late attempts are hedged.
    budget: Most that hedges may cost, as a share of the primary's spend and work over five minutes.
    """

    enabled: bool = False
    budget: Percent = 0.02


class Media(Struct, frozen=True, kw_only=True):
    """Pictures and documents that a request names by URL, for providers that fetch none themselves.

    fetch: Whether the gateway fetches them, from public addresses only; else such a request is refused.
    max_size: Most bytes that the URLs of one request may hold.
    timeout: Longest time in which they must be here.
    """

    fetch: bool = False
    max_size: Size = 20 * 2**20
    timeout: Timeout = 10.0


class Defaults(Struct, frozen=True, kw_only=True):
    """What holds for every deployment and model that does not say otherwise.

    timeouts: How long each part of a request may take.
    retry: How a failed attempt is repeated.
    breaker: When an endpoint is closed to everybody.
    hedge: When a second attempt is started before the first has answered.
    recovery: What is tried when a stream dies after its first content was sent.
    realign: When a stream may be run again elsewhere and matched to what was sent.
    hold_tool_calls: Whether a streamed tool call is held back until it is complete, so that its loss is a plain retry.
    reasoning: What becomes of a stream that dies when only reasoning was shown.
    media: What is fetched for providers that fetch nothing themselves.
    """

    timeouts: Timeouts = Timeouts()
    retry: Retry = Retry()
    breaker: Breaker = Breaker()
    hedge: Hedge = Hedge()
    recovery: list[RecoveryMode] = field(default_factory=lambda: ["continue", "realign"])
    realign: Realign = "deterministic"
    hold_tool_calls: bool = False
    reasoning: Reasoning = "error"
    media: Media = Media()
