"""A trace: arrivals in seconds from the first one, whatever file they came from."""

from collections.abc import Sequence

import msgspec

from gateway.simulate.workload_spec import CloudSpec, Outage, Slowdown


class TraceError(Exception):
    """A trace that cannot be read; the message names the file, and the line where there is one."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One request. ``blocks``: a name for each block of the prompt, equal where the prompts are equal up to there.
    ``conversation``: a number of its own; 0: none that is named."""

    at: float
    prompt_tokens: int
    output_tokens: int
    blocks: tuple[int, ...] = ()
    group: str = ""
    conversation: int = 0


class Trace(msgspec.Struct, frozen=True):
    """Arrivals in order of time. ``block``: tokens of a block. What befalls the pool comes with a synthetic one."""

    name: str
    arrivals: Sequence[Arrival]
    block: int
    slow: Sequence[Slowdown] = ()
    outages: Sequence[Outage] = ()
    cloud: CloudSpec | None = None

    def paced(self, rate: float) -> "Trace":
        """The same requests, ``rate`` times as fast; what befalls the pool stays when it is."""
        arrivals = [msgspec.structs.replace(each, at=each.at / rate) for each in self.arrivals]
        return msgspec.structs.replace(self, arrivals=arrivals)
