"""A lower bound of what must be bought. Rule: the pool as a fluid, time in buckets of one second, all known beforehand.

    maximise    sum over requests i of   usd_i x_i                (what the cloud is spared)
    subject to  sum over buckets b of    y_ib = work_i x_i        0 <= x_i <= 1,  y_ib >= 0
                sum over requests i of   y_ib <= capacity         for every bucket b
                y_ib = 0                 unless  arrival_i <= b < arrival_i + window

A request may be split between the pool and the cloud, its work may be done in any order and at any speed within the
window, and what every request costs and takes is known. No policy can spare more: each of these is a relaxation.

The work that the buckets can take from each request is the flow of a transportation network, so the sets of work that
can be done form a polymatroid, and the linear programme's optimum is greedy (Edmonds 1970): requests in order of the
USD that a GPU-second spares, each as much as still fits. With equal windows what fits is told by intervals alone
(Hall): the work that arrives in buckets s..t must not exceed capacity x (t - s + window).
"""

from collections.abc import Sequence

import msgspec


class Piece(msgspec.Struct, frozen=True):
    """A request: its bucket of arrival, the GPU-seconds it takes, the USD that a cloud takes for it."""

    bucket: int
    work: float
    usd: float


def least_bought(pieces: Sequence[Piece], capacity: float, window: int) -> float:
    """USD that must go to the cloud. ``capacity``: GPU-seconds a bucket holds; ``window``: buckets that a request may
    take from its arrival to its end."""
    surplus = Surplus(1 + max(piece.bucket for piece in pieces), capacity)
    spared = 0.0
    for piece in sorted(pieces, key=lambda each: each.usd / each.work, reverse=True):
        room = capacity * (window - 1) - surplus.largest(piece.bucket)
        fits = max(0.0, min(piece.work, room))
        if fits:
            surplus.add(piece.bucket, fits)
            spared += piece.usd * fits / piece.work
    return sum(piece.usd for piece in pieces) - spared


class Surplus:
    """The admitted work of each bucket less the capacity, and the largest sum of it over neighbours that hold a given
    bucket: a tree of (sum, best prefix, best suffix)."""

    def __init__(self, buckets: int, capacity: float) -> None:
        self.size = 1
        while self.size < buckets:
            self.size *= 2
        empty = [-capacity if n < buckets else float("-inf") for n in range(self.size)]
        self.sum = [0.0] * self.size + empty
        self.prefix, self.suffix = list(self.sum), list(self.sum)
        for node in range(self.size - 1, 0, -1):
            self._renew(node)

    def add(self, bucket: int, work: float) -> None:
        node = bucket + self.size
        self.sum[node] += work
        self.prefix[node] = self.suffix[node] = self.sum[node]
        while node := node // 2:
            self._renew(node)

    def largest(self, bucket: int) -> float:
        """The largest sum over neighbouring buckets of which this is one."""
        node = bucket + self.size
        before = after = 0.0  # the best that can be put before and after what the node spans
        total = self.sum[node]
        sum_before = sum_after = 0.0
        while node > 1:
            if node % 2:
                before = max(before, sum_before + self.suffix[node - 1])
                sum_before += self.sum[node - 1]
            else:
                after = max(after, sum_after + self.prefix[node + 1])
                sum_after += self.sum[node + 1]
            node //= 2
        return total + before + after

    def _renew(self, node: int) -> None:
        left, right = 2 * node, 2 * node + 1
        self.sum[node] = self.sum[left] + self.sum[right]
        self.prefix[node] = max(self.prefix[left], self.sum[left] + self.prefix[right])
        self.suffix[node] = max(self.suffix[right], self.sum[right] + self.suffix[left])
