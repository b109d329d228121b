"""A pure model of one vLLM replica. Time is an argument, so a clock and the simulator drive it alike.

Continuous batching as vLLM's scheduler does it: each step first serves the running sequences in order of arrival, then
admits waiting ones in the same order, within one budget of tokens. When blocks run out the latest arrival is preempted
and later recomputed.
"""

import math
from collections import deque

from backends.engine.cache_events import Stored
from backends.engine.kv_cache import KVCache
from backends.engine.profile import Profile
from backends.engine.sequence import Counters, Event, Sequence, Work

FOREVER = 1 << 60  # steps


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
        self._refused: Sequence | None = None  # the head of the queue, where the last schedule found no room for it

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

    def leap(self, now: float) -> list[Event]:
        """As `advance`, but steps that only decode are taken many at once, and only first and last tokens are told."""
        events: list[Event] = []
        while self.due is not None and self.due <= now:
            steps = self._uneventful()
            if steps:
                steps = min(steps, 1 + self._steps_within(now - self.due))
                self._decode(steps)
            else:
                ended = self.due
                self._finish_step(ended, events)
                self._begin_step(ended)
        return [event for event in events if event.finished or event.produced == 1]

    def news(self) -> float | None:
        """When `leap` has something to tell at the earliest, if nothing more is submitted."""
        steps = self._uneventful()
        return self.due if self.due is None or not steps else self.due + self._seconds_of(steps)

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
        self._refused = None
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
            self._refused = sequence
            return None
        self._running.append(self._waiting.popleft())
        if sequence.admitted is None:
            sequence.admitted, sequence.cached_tokens = now, sequence.computed
            self.counters.prefix_queries += sequence.work.prompt_tokens
            self.counters.prefix_hits += sequence.computed
        return sequence

    # Many steps at once

    def _uneventful(self) -> int:
        """How many steps, the one under way included, change nothing but the tokens of sequences that decode.

        None ends, none is admitted, no block gets a key, and there is room for the blocks that grow. A waiting head
        that finds no room is tried again only after blocks were taken or freed.
        """
        batch, size = self._batch, self.profile.block_size
        if not batch or len(batch) != len(self._running) or len(batch) >= self.profile.max_num_batched_tokens:
            return 0
        queued = self._waiting and len(batch) < self.profile.max_num_seqs
        if queued and self._waiting[0] is not self._refused:
            return 0
        steps, boundary = FOREVER, FOREVER
        for each in batch:
            if not each.decoding or each.done:
                return 0
            steps = min(steps, each.work.output_tokens - each.produced - 1)
            boundary = min(boundary, each.blocks * size - each.computed)
            if each.shared < len(each.work.keys):
                steps = min(steps, size - each.computed % size - 1)
        if steps <= boundary:
            return steps
        return boundary if queued or growth(batch, size, steps) > self.cache.capacity - self.cache.used else steps

    def _pace(self) -> tuple[float, float]:
        """Seconds of the step after the one under way, and how much each further step takes longer."""
        profile, batch = self.profile, self._batch
        context = sum(each.computed for each in batch) + len(batch)
        return profile.decode_seconds(len(batch), context), profile.decode_per_context_token * len(batch)

    def _seconds_of(self, steps: int) -> float:
        first, more = self._pace()
        return steps * first + more * steps * (steps - 1) / 2

    def _steps_within(self, seconds: float) -> int:
        """How many steps after the one under way end within so many seconds of its end."""
        first, more = self._pace()
        if not more:
            return int(seconds / first)
        lead = first - more / 2
        return int((math.sqrt(lead * lead + 2 * more * seconds) - lead) / more)

    def _decode(self, steps: int) -> None:
        """Take uneventful steps; the one after them is under way then."""
        assert self.due is not None
        at = self.due + (self._seconds_of(steps - 1) if steps > 1 else 0.0)
        size = self.profile.block_size
        self.cache.reserve(growth(self._batch, size, steps))
        for each in self._batch:
            each.computed += steps
            each.produced += steps
            each.last_token = at
            each.blocks = max(each.blocks, -(-each.computed // size))
        self._begin_step(at)

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
            if self.cache.publish(keys[sequence.shared]) and self.cache.news is not None:
                self.cache.news.append(Stored(sequence.work, sequence.shared))
            sequence.shared += 1

    def _release(self, sequence: Sequence) -> None:
        self.cache.release(sequence.work.keys[: sequence.shared], sequence.blocks - sequence.shared)
        sequence.blocks = sequence.shared = sequence.computed = sequence.prefilled = 0
        sequence.decoding = False


def growth(batch: list[Sequence], size: int, steps: int) -> int:
    """Blocks of ``size`` tokens that a batch takes in so many steps, the one under way included (its are held)."""
    return sum(max(0, -(-(each.computed + steps) // size) - each.blocks) for each in batch)
