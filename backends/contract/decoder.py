"""The decoder contract, sans-io: reply bytes in, bytes to forward out, with usage and failures beside."""

from collections.abc import Mapping
from typing import Protocol

from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Usage


class Decoder(Protocol):
    """Reads one answer.

    ``committed``: content is in hand. ``progressed``: the last feed held something generated (pings do not count).
    ``generated``: about the tokens generated so far, for want of a usage where an answer ends early.
    ``fault``: what went wrong; after it nothing more is forwarded. ``head``: the headers that stand for the upstream's
    where the answer is translated; None: the upstream's own.
    """

    committed: bool
    progressed: bool
    fault: Fault | None
    usage: Usage

    @property
    def generated(self) -> int: ...
    @property
    def head(self) -> Mapping[bytes, bytes] | None: ...

    def feed(self, data: bytes) -> bytes:
        """The bytes to forward; the same object where there is nothing to hold or remove."""
        ...

    def close(self) -> bytes:
        """The upstream ended: the last bytes to forward. Sets ``fault`` when the answer is not whole."""
        ...
