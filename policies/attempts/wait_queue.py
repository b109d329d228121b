"""The bounded wait queue: higher priority first, then fair by key, then by deadline.

Fair by key is start-time fair queueing (Goyal, Vin, Cheng 1996): whose key has been served least, in tokens, is next,
and a key that was away has no credit for it. A lane is what its tickets wait for (a model): a lane without room does
not hold up the others.
"""

from collections.abc import Callable
from heapq import heappop, heappush

import msgspec

LEARN = 0.2  # weight of a new gap between departures
IDLE = 1.0  # seconds: Retry-After where nothing is known of the rate


class Ticket(msgspec.Struct, eq=False):
    """One request that waits. ``cost`` in tokens; ``deadline`` in monotonic seconds; ``priority``: lower goes first."""

    lane: str
    key: str
    cost: float
    deadline: float
    priority: int = 0
    left: bool = False  # it was served, withdrawn or ran out of time


class KeyShare(msgspec.Struct):
    """The tickets of one key in one lane at one priority, by deadline."""

    start: float  # virtual time at which its next ticket's service starts
    heap: list[tuple[float, int, Ticket]] = []


class Lane(msgspec.Struct):
    """How fast a lane moves. ``flows``: how many tickets of each priority and key wait."""

    flows: dict[tuple[int, str], int] = {}
    waiting: int = 0
    gap: float | None = None  # seconds between departures
    departed: float = 0.0


class WaitQueue(msgspec.Struct):
    """At most ``limit`` tickets."""

    limit: int
    waiting: int = 0
    clock: float = 0.0  # virtual time: the start tag of what was served last
    served: dict[str, float] = {}  # key -> the virtual time its last ticket's service ends
    flows: dict[tuple[int, str, str], KeyShare] = {}
    lanes: dict[str, Lane] = {}
    count: int = 0

    def expected(self, lane: str, key: str, priority: int = 0) -> float:
        """Seconds a new ticket would wait; 0 while nothing is known.

        Before it are those of a higher priority; of its own, where keys take turns, its key's and as many of each
        other's, and never more than wait.
        """
        known = self.lanes.get(lane)
        if known is None or known.gap is None or not known.waiting:  # what was known of the rate is old
            return 0.0
        before = sum(number for (other, _), number in known.flows.items() if other < priority)
        equals = {who: number for (other, who), number in known.flows.items() if other == priority}
        turns = (equals.get(key, 0) + 1) * len(equals.keys() | {key})
        return (before + min(turns, sum(equals.values()) + 1)) * known.gap

    def retry_after(self, lane: str, key: str, priority: int = 0) -> float:
        """Seconds after which a refused request may find a place."""
        return max(IDLE, self.expected(lane, key, priority))

    def enter(self, ticket: Ticket, now: float) -> bool:
        """Queue it; False: there is no room, or its turn would come too late."""
        expected = self.expected(ticket.lane, ticket.key, ticket.priority)
        if self.waiting >= self.limit or now + expected >= ticket.deadline:
            return False
        flow = self.flows.get((ticket.priority, ticket.lane, ticket.key))
        if flow is None:
            start = max(self.clock, self.served.get(ticket.key, 0.0))
            flow = self.flows[ticket.priority, ticket.lane, ticket.key] = KeyShare(start)
        self.count += 1
        heappush(flow.heap, (ticket.deadline, self.count, ticket))
        lane = self.lanes.setdefault(ticket.lane, Lane())
        if not lane.waiting:  # the gap before it was nobody's wait
            lane.departed, lane.gap = now, None
        of = ticket.priority, ticket.key
        lane.flows[of] = lane.flows.get(of, 0) + 1
        lane.waiting += 1
        self.waiting += 1
        return True

    def leave(self, ticket: Ticket) -> None:
        """It is withdrawn, or its time is up; harmless for one that was served."""
        if not ticket.left:
            ticket.left = True
            self._forget(ticket)

    def serve(self, admit: Callable[[Ticket], bool], now: float) -> int:
        """Offer places in order of turn until no lane has one more; how many were taken.

        ``admit`` starts the request and returns True, or False where its lane has no room.
        """
        taken, full = 0, set[str]()
        while self.waiting and (turn := self._next(full)) is not None:
            flow, ticket = turn
            if admit(ticket):
                self._served(flow, ticket, now)
                taken += 1
            else:
                full.add(ticket.lane)
        return taken

    def _next(self, full: set[str]) -> tuple[KeyShare, Ticket] | None:
        for id, flow in list(self.flows.items()):
            while flow.heap and flow.heap[0][2].left:
                heappop(flow.heap)
            if not flow.heap:
                del self.flows[id]
        open = [
            (priority, max(flow.start, self.served.get(key, 0.0)), flow.heap[0][:2], flow)
            for (priority, lane, key), flow in self.flows.items()
            if lane not in full
        ]
        if not open:
            return None
        flow = min(open, key=lambda each: each[:3])[3]
        return flow, flow.heap[0][2]

    def _served(self, flow: KeyShare, ticket: Ticket, now: float) -> None:
        ticket.left = True
        self._forget(ticket)
        heappop(flow.heap)
        start = max(flow.start, self.served.get(ticket.key, 0.0))
        self.clock = max(self.clock, start)
        self.served[ticket.key] = flow.start = start + ticket.cost
        self.served = {key: at for key, at in self.served.items() if at > self.clock}  # the others are as if new
        lane = self.lanes[ticket.lane]
        gap = now - lane.departed
        lane.gap = gap if lane.gap is None else lane.gap + LEARN * (gap - lane.gap)
        lane.departed = now

    def _forget(self, ticket: Ticket) -> None:
        lane = self.lanes[ticket.lane]
        of = ticket.priority, ticket.key
        lane.flows[of] -= 1
        if not lane.flows[of]:
            del lane.flows[of]
        lane.waiting -= 1
        self.waiting -= 1
