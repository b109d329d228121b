"""A known head: what a client's last request began with. Rule: a request that begins so again skips the parser.

It comes while the parser waits for the next request, and ends there, so for the parser nothing has happened. What a
head says is read once for all that begin with it (see backends/transports/heads.py); any other request is parsed.
"""

# compiled

from backends.transports import heads
from gateway.proxy.request_head import RequestHead


class KnownHeads:
    """Of one client connection. ``bytes``: of the last request's head; ``head``: what it says. ``useful``: a request
    has begun with it, or none was tried."""

    __slots__ = ("bytes", "head", "useful")

    head: RequestHead  # where there are ``bytes``

    def __init__(self) -> None:
        self.bytes: heads.Head | None = None
        self.useful = True

    def learn(self, packet: bytes, lines: int, head: RequestHead) -> None:
        """The packet begins with a head, of so many lines, that the next one may begin with. Where the last one learned
        has been of no use, this client repeats nothing, and no more is learned."""
        if self.useful:
            self.bytes, self.head, self.useful = heads.head(packet, lines), head, False
