"""Replica. Rule: a pure model of one vLLM replica; time is an argument, so a clock and a simulator drive it alike.

Continuous batching as vLLM's scheduler does it: each step first serves the running sequences in order of arrival, then
admits waiting ones in the same order, within one budget of tokens. When blocks run out the latest arrival is preempted
and later recomputed.
"""

from collections import deque

from backends.engine.kv_cache import KVCache
from backends.engine.profile import Profile
from backends.engine.sequence import Counters, Event, Sequence, Work


class Replica:
    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.cache = KVCache(profile.num_blocks)
        self.counters = Counters()
        self.due: float | None = None
        self.asleep = False
        self._running: list[Sequence] = []
        self._waiting: deque[Sequence] = deque()
        self._batch: list[Sequence] = []

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def kv_usage(self) -> float:
        return self.cache.used / self.cache.capacity

    def submit(self, work: Work, now: float) -> Sequence:
        """Queue the work. Work that could never fit is refused here, since it would block the queue for ever."""
        if work.prompt_tokens < 1:
            raise ValueError("a prompt has at least one token")
        if work.prompt_tokens + work.output_tokens > self.profile.num_blocks * self.profile.block_size:
            raise ValueError("the work needs more blocks than the replica has")
        sequence = Sequence(work, now)
        self._waiting.append(sequence)
        if self.due is None:
            self._begin_step(now)
        return sequence

    def abort(self, sequence: Sequence) -> None:
        """Free what the sequence holds at once; a step under way keeps its length."""
        if sequence.done:
            return
        sequence.done = True
        (self._waiting if sequence in self._waiting else self._running).remove(sequence)
        self._release(sequence)

    def advance(self, now: float) -> list[Event]:
        """Finish every step that ends by `now`."""
        events: list[Event] = []
        while self.due is not None and self.due <= now:
            ended = self.due
            self._finish_step(ended, events)
            self._begin_step(ended)
        return events

    def sleep(self) -> list[Sequence]:
        """Abort what is in flight and drop the cache, as vLLM does by default; later work waits for `wake`."""
        aborted = [*self._running, *self._waiting]
        for sequence in aborted:
            self.abort(sequence)
        self.cache.clear()
        self.asleep, self.due = True, None
        return aborted

    def wake(self, now: float) -> None:
        self.asleep = False
        if self.due is None:
            self._begin_step(now)

    def _begin_step(self, now: float) -> None:
        self._batch = [] if self.asleep else self._schedule(now)
        self.due = now + self._seconds(self._batch) if self._batch else None

    def _schedule(self, now: float) -> list[Sequence]:
        budget, preemptions = self.profile.max_num_batched_tokens, self.counters.preemptions
        batch: list[Sequence] = []
        while budget and len(batch) < len(self._running):
            sequence = self._running[len(batch)]
            sequence.chunk = min(sequence.pending, budget)
            if not self._make_room(sequence):
                break
            budget -= sequence.chunk
            batch.append(sequence)
        if preemptions == self.counters.preemptions:
            while budget and (admitted := self._admit(budget, now)):
                budget -= admitted.chunk
                batch.append(admitted)
        return batch

    def _make_room(self, sequence: Sequence) -> bool:
        """Preempt from the back until the chunk fits; False when the sequence itself had to go."""
        while not self._grow(sequence):
            victim = self._running.pop()
            self._release(victim)
            self._waiting.appendleft(victim)
            self.counters.preemptions += 1
            if victim is sequence:
                return False
        return True

    def _grow(self, sequence: Sequence) -> bool:
        blocks = -(-(sequence.computed + sequence.chunk) // self.profile.block_size)
        if blocks <= sequence.blocks:
            return True
        if not self.cache.reserve(blocks - sequence.blocks):
            return False
        sequence.blocks = blocks
        return True

    def _admit(self, budget: int, now: float) -> Sequence | None:
        """Move the head of the queue into the batch if a first chunk of it fits; nobody overtakes it."""
        if not self._waiting or len(self._running) == self.profile.max_num_seqs:
            return None
        sequence = self._waiting[0]
        # The last token is always computed: its output is what the first new token comes from.
        hit = self.cache.match(sequence.work.keys, (sequence.pending - 1) // self.profile.block_size)
        self.cache.share(sequence.work.keys[:hit])
        sequence.blocks = sequence.shared = hit
        sequence.computed = hit * self.profile.block_size
        sequence.chunk = min(sequence.pending, budget)
        if not self._grow(sequence):
            self._release(sequence)
            return None
        self._running.append(self._waiting.popleft())
        if sequence.admitted is None:
            sequence.admitted, sequence.cached_tokens = now, sequence.computed
            self.counters.prefix_queries += sequence.work.prompt_tokens
            self.counters.prefix_hits += sequence.computed
        return sequence

    def _seconds(self, batch: list[Sequence]) -> float:
        profile = self.profile
        seconds, decoding, context, starting = 0.0, 0, 0, False
        for sequence in batch:
            if sequence.decoding:
                decoding += 1
                context += sequence.computed
            else:
                starting = starting or not sequence.prefilled
                seconds += profile.prefill_seconds(sequence.prefilled, sequence.chunk)
        if starting:
            seconds += profile.prefill_base
        return seconds + profile.decode_seconds(decoding, context) if decoding else seconds

    def _finish_step(self, at: float, events: list[Event]) -> None:
        finished = False
        for sequence in self._batch:
            if sequence.done:
                continue
            self._compute(sequence)
            if sequence.pending:
                continue
            sequence.decoding = True
            event = sequence.step(at)
            events.append(event)
            if event.finished:
                finished = True
                self._release(sequence)
        if finished:
            self._running = [sequence for sequence in self._running if not sequence.done]

    def _compute(self, sequence: Sequence) -> None:
        sequence.computed += sequence.chunk
        if not sequence.decoding:
            sequence.prefilled += sequence.chunk
        keys = sequence.work.keys
        full = min(sequence.computed // self.profile.block_size, len(keys))
        while sequence.shared < full:
            self.cache.publish(keys[sequence.shared])
            sequence.shared += 1

    def _release(self, sequence: Sequence) -> None:
        self.cache.release(sequence.work.keys[: sequence.shared], sequence.blocks - sequence.shared)
        sequence.blocks = sequence.shared = sequence.computed = sequence.prefilled = 0
        sequence.decoding = False
