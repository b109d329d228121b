"""The KV block cache: a block is free, private, shared, or idle; capacity is never exceeded."""

from collections import OrderedDict
from collections.abc import Sequence

from backends.engine.cache_events import Cleared, News, Removed


class KVCache:
    """Blocks of keys and values, with prefix reuse; idle blocks leave in least-recently-used order."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._holders: dict[int, int] = {}
        self._idle: OrderedDict[int, None] = OrderedDict()
        self._private = 0
        self.news: list[News] | None = None  # what befalls it, where somebody wants to know

    @property
    def used(self) -> int:
        """Blocks that sequences hold; idle ones can be taken at any time and do not count."""
        return len(self._holders) + self._private

    @property
    def idle(self) -> int:
        return len(self._idle)

    def match(self, keys: Sequence[int], limit: int) -> int:
        """How many leading keys, up to `limit`, are here."""
        found = 0
        for key in keys[:limit]:
            if key not in self._holders and key not in self._idle:
                break
            found += 1
        return found

    def share(self, keys: Sequence[int]) -> None:
        """Hold blocks that `match` found."""
        for key in keys:
            self._idle.pop(key, None)
            self._holders[key] = self._holders.get(key, 0) + 1

    def reserve(self, count: int) -> bool:
        """Hold `count` private blocks, evicting idle ones; all or nothing."""
        if self.used + count > self.capacity:
            return False
        self._private += count
        while self.used + len(self._idle) > self.capacity:
            key, _ = self._idle.popitem(last=False)
            if self.news is not None:
                self.news.append(Removed(key))
        return True

    def publish(self, key: int) -> bool:
        """A private block is full and becomes shared; whether it is new. A twin that was here is folded into it."""
        self._private -= 1
        new = key not in self._holders and key not in self._idle
        self.share((key,))
        return new

    def release(self, keys: Sequence[int], private: int) -> None:
        """Let go; the tail of a prefix is evicted before its head, for it is the less likely to be met again."""
        self._private -= private
        for key in reversed(keys):
            holders = self._holders[key] - 1
            if holders:
                self._holders[key] = holders
            else:
                del self._holders[key]
                self._idle[key] = None

    def clear(self) -> None:
        """Forget what nobody holds."""
        self._idle.clear()
        if self.news is not None:
            self.news.append(Cleared())
