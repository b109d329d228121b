"""KV-cache events, in order, for publishing."""

import msgspec

from backends.engine.sequence import Work


class Stored(msgspec.Struct, frozen=True):
    """The block at ``index`` of this work is in the cache under its key."""

    work: Work
    index: int


class Removed(msgspec.Struct, frozen=True):
    key: int


class Cleared(msgspec.Struct, frozen=True):
    pass


News = Stored | Removed | Cleared
