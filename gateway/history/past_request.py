"""A past request: arrival, model, tokens, times. What was not recorded is None."""

from collections.abc import Mapping, Sequence

import msgspec

from gateway.simulate.trace import Arrival, Trace
from policies.learning.pace import pace

PLAIN_BLOCK = 512  # tokens; where prompts are not known, only how finely the cache is shared out


class PastRequest(msgspec.Struct, frozen=True, gc=False):
    """``at``: its arrival, seconds since the epoch. ``first``, ``seconds``: to the first token and to the end."""

    at: float
    model: str
    key: str
    prompt: int
    output: int
    deployment: str = ""
    endpoint: str = ""
    first: float | None = None
    seconds: float | None = None
    usd: float | None = None
    failed: bool = False
    blocks: tuple[int, ...] = ()
    cached: int = 0  # prompt tokens that its upstream said it had

    @property
    def pace(self) -> float | None:
        """Seconds for each token after the first; None: that is not recorded, or there was none."""
        return None if self.first is None or self.seconds is None else pace(self.first, self.seconds, self.output)


class History(msgspec.Struct, frozen=True):
    """Requests in order of time. ``left_out``: how many the records hold beside these, by why; ``lacks``: what they do
    not tell. ``block``: tokens of a block."""

    name: str
    requests: Sequence[PastRequest]
    left_out: Mapping[str, int]
    lacks: Sequence[str] = ()
    block: int = PLAIN_BLOCK

    @property
    def seconds(self) -> float:
        """From the first arrival to the last."""
        return self.requests[-1].at - self.requests[0].at if self.requests else 0.0

    def trace(self, requests: Sequence[PastRequest] | None = None, start: float | None = None) -> Trace:
        """These requests (else all) as they arrived, from ``start`` (else the first) on."""
        chosen = self.requests if requests is None else requests
        zero = start if start is not None else chosen[0].at
        arrivals = [
            Arrival(
                at=each.at - zero,
                prompt_tokens=each.prompt,
                output_tokens=max(each.output, 1),
                blocks=each.blocks,
                group=each.key,
            )
            for each in chosen
        ]
        return Trace(self.name, arrivals, self.block)
