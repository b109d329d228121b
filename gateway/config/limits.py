"""Defaults of every deployment and model: the policies' own limits, streams that die, and media that is fetched."""

from typing import Literal

from msgspec import Struct, field

from gateway.config.units import Size
from policies.attempts.hedging import HedgeRules
from policies.load.breaker import BreakerRules
from policies.vocabulary.limits import RetryRules, Timeouts
from policies.vocabulary.units import Timeout

RecoveryMode = Literal["continue", "realign"]
Realign = Literal["deterministic", "always"]
Reasoning = Literal["error", "restart"]


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
    retry: RetryRules = RetryRules()
    breaker: BreakerRules = BreakerRules()
    hedge: HedgeRules = HedgeRules()
    recovery: list[RecoveryMode] = field(default_factory=lambda: ["continue", "realign"])
    realign: Realign = "deterministic"
    hold_tool_calls: bool = False
    reasoning: Reasoning = "error"
    media: Media = Media()
