"""One prompt and its generated tokens. Only the model that runs it changes it."""

from collections.abc import Sequence as Items
from typing import Protocol

import msgspec


class Work(msgspec.Struct, frozen=True):
    """What to run. `keys` names each full block of prompt plus output; blocks beyond them are never shared.

    `data` is the text that `keys` names, and `salt` what it was salted with: told of, never read.
    """

    prompt_tokens: int
    output_tokens: int
    keys: Items[int] = ()
    finish: str = "length"  # why it ends, as vLLM counts it
    data: bytes = b""
    salt: str = ""


class Sequence(msgspec.Struct, eq=False):
    """Where one piece of work stands; times are in the model's seconds."""

    work: Work
    arrived: float
    admitted: float | None = None
    cached_tokens: int = 0
    produced: int = 0
    computed: int = 0  # tokens whose keys and values are in the cache
    prefilled: int = 0  # of those, the ones computed since admission
    chunk: int = 0  # tokens of the step under way
    blocks: int = 0  # blocks held, the shared ones included
    shared: int = 0  # leading blocks held under their key
    decoding: bool = False
    last_token: float | None = None
    done: bool = False

    @property
    def pending(self) -> int:
        return self.work.prompt_tokens + self.produced - self.computed

    def step(self, at: float) -> "Event":
        """Produce the next token, or finish at once when none is wanted."""
        since = at - (self.arrived if self.last_token is None else self.last_token)
        self.last_token = at
        self.produced += 1 if self.work.output_tokens else 0
        self.done = self.produced == self.work.output_tokens
        return Event(self, at, since, self.produced, self.done)


class Event(msgspec.Struct, frozen=True):
    """News of a sequence: so many tokens so far, the newest `since` seconds after the one before or arrival."""

    sequence: Sequence
    at: float
    since: float
    produced: int
    finished: bool


class Counters(msgspec.Struct):
    """What only the model can count, since it started."""

    prefix_queries: int = 0  # tokens
    prefix_hits: int = 0  # tokens
    preemptions: int = 0


class Model(Protocol):
    """What drives sequences. `due` is when `advance` has news; call `advance(now)` before `submit`."""

    counters: Counters

    @property
    def due(self) -> float | None: ...
    @property
    def running(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def kv_usage(self) -> float: ...
    @property
    def asleep(self) -> bool: ...

    def submit(self, work: Work, now: float) -> Sequence: ...
    def abort(self, sequence: Sequence) -> None: ...
    def advance(self, now: float) -> list[Event]: ...
    def sleep(self) -> list[Sequence]: ...
    def wake(self, now: float) -> None: ...
