"""One engine's prefix cache, as its own events report it. A missed event empties it; nothing is guessed.

Events name blocks by the engine's hashes; their tokens give the names that prompts are looked up by. Both are kept, so
that a removal, which tells hashes alone, is understood.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import msgspec

from policies.learning.prefix import token_blocks
from policies.learning.prefix.holders import Holders, Id

ROOM = 100_000  # blocks mirrored of an engine that has not told its size; some 50 MiB
SILENT = 8  # prompts computed without a word of it: its events go elsewhere

Hash = int | bytes  # a block's name in the engine's words


class Mirror(msgspec.Struct):
    """``whole``: every block that the engine holds was reported."""

    id: Id
    holders: Holders
    up: bool = False  # its publisher is connected
    whole: bool = False
    size: int = 0  # tokens of a block; 0: not known yet
    room: int = ROOM  # blocks
    capacity: int = 0  # blocks of its cache; 0: not known
    last: int | None = None  # sequence number
    publisher: bytes = b""
    names: OrderedDict[Hash, int] = msgspec.field(default_factory=OrderedDict)
    twins: dict[Hash, int] = {}  # copies beyond the first
    since: int = 0  # blocks stored since it was emptied
    unheard: int = 0  # prompts it computed since its last word
    groups: set[int] = set()  # of layers whose blocks cannot be compared with a prompt's
    adapters: set[str] = set()
    purges: dict[str, int] = {}  # by cause

    @property
    def state(self) -> str:
        """``live``: it can be relied on; else why not."""
        if not self.up:
            return "missing"
        if self.unheard >= SILENT:
            return "silent"
        return "live" if self.whole and (self.names or not self.groups) else "partial"

    def follow(self, seq: int, publisher: bytes) -> None:
        """A batch of this number is here: the next one, or something was missed."""
        if self.last is not None and (seq != self.last + 1 or publisher != self.publisher):
            self.purge("restart" if seq <= self.last or publisher != self.publisher else "gap")
        if seq == 0:  # the engine's first word: nothing was before it
            self.whole = True
            self.groups.clear()
        elif self.last is None:
            self.whole = False
        self.last, self.publisher, self.unheard = seq, publisher, 0

    def lost(self) -> None:
        """Its publisher is gone, and so may be its engine."""
        self.up, self.last = False, None
        self.purge("lost")

    def purge(self, cause: str) -> None:
        if self.names or self.whole:
            self.purges[cause] = self.purges.get(cause, 0) + 1
        self.clear()
        self.whole = False

    def clear(self) -> None:
        """It reported that its cache is empty."""
        for name in self.names.values():
            self.holders.remove(name, self.id)
        self.names.clear()
        self.twins.clear()
        self.since, self.whole = 0, True

    def stored(
        self, hashes: Sequence[Hash], parent: Hash | None, tokens: Sequence[int], adapter: str, extras: Sequence[str]
    ) -> None:
        """It holds these blocks, one after the other behind ``parent`` (None: they are a prompt's first)."""
        if adapter:
            self.adapters.add(adapter)
        above = token_blocks.root(adapter) if parent is None else self.names.get(parent)
        if above is None:  # it follows on what was missed, and is still there
            self.whole, self.since = False, 0
            return
        for block, name in zip(hashes, self._name(above, tokens, extras), strict=True):
            if block in self.names:
                self.twins[block] = self.twins.get(block, 0) + 1
            else:
                self.names[block] = name
                self.holders.add(name, self.id)
        self.since += len(hashes)
        self.whole = self.whole or 0 < self.capacity <= self.since  # what was there before is gone
        while len(self.names) > self.room:
            self._forget(next(iter(self.names)))
            self.whole = False

    def removed(self, hashes: Sequence[Hash]) -> None:
        for block in hashes:
            if block in self.twins:
                self.twins[block] -= 1
                if not self.twins[block]:
                    del self.twins[block]
            elif block in self.names:
                self._forget(block)

    def _name(self, above: int, tokens: Sequence[int], extras: Sequence[str]) -> Iterator[int]:
        for number, extra in enumerate(extras):
            above = token_blocks.name(above, tuple(tokens[number * self.size : (number + 1) * self.size]), extra)
            yield above

    def _forget(self, block: Hash) -> None:
        self.holders.remove(self.names.pop(block), self.id)
        self.twins.pop(block, None)
