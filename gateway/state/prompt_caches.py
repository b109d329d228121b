"""Prefix-cache contents per engine: reported by KV events, or inferred from what was sent.

Engines that publish cache events are known, the rest is guessed from what was sent there. An engine is known only while
its events come without a gap, and a prompt only once its tokens were learned; the rest of the ladder is counted.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILY
from backends.vllm.kv_events import Batch, Cleared, Removed, Stored
from policies.learning.prefix.engine_cache import Mirror
from policies.learning.prefix.index import PrefixIndex
from policies.learning.prefix.precise import Precise
from policies.learning.prefix.token_blocks import marks
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

TTL = 3600.0  # seconds a prefix is believed to stay in a cache that nothing else fills
CLOUD_TTL = 300.0  # seconds a cloud keeps a prompt: what several promise at least
KV_TOKENS = 400_000.0  # in the cache of an engine that has not told its size: an 8B model on 80 GB
TIERS = 4  # an engine may keep some more blocks outside its GPU, and tells of those too
NEWS = 256  # tokens that fill a block in any engine
LARGEST = 512 * 1024  # bytes; a longer prompt's tokens are not asked for
QUEUED = 256  # prompts whose tokens wait to be learned, of at most
HELD = 16 * 1024 * 1024  # bytes; the oldest gives way

Id = tuple[str, str]


class TokenizeJob(msgspec.Struct, frozen=True):
    """A prompt was sent whose tokens are not known: whom to ask, and for what."""

    candidate: Candidate
    request: Request
    facts: Facts
    adapter: str
    size: int  # tokens of a block


class PromptCaches:
    def __init__(self) -> None:
        self.guess = PrefixIndex(TTL)
        self.of: dict[Id, Precise] = {}  # endpoints whose engines publish events
        self.signals: Counter[tuple[str, Signal]] = Counter()  # requests placed, by model and what told of caches
        self.prompts: Counter[tuple[str, str]] = Counter()  # by deployment and what became of learning their tokens
        self.garbage: Counter[Id] = Counter()  # messages that no engine would send
        self.wake: Callable[[], None] = lambda: None  # somebody may learn what is wanted
        self._wanted: OrderedDict[int, TokenizeJob] = OrderedDict()  # by last block
        self._held = 0  # bytes of them
        self._precise: dict[str, Precise] = {}  # by weights
        self._models: dict[str, tuple[Precise, ...]] = {}

    def keep(self, models: Iterable[Model]) -> None:
        """Know the caches of these models' engines, where they are told and asked for; forget the others'."""
        before, self.of, self._models = self.of, {}, {}
        named: set[Id] = set()
        for model in models:
            named.update(c.id for tier in model.tiers for c in tier)
            if "prefix" not in model.needs:
                continue
            told = {c.id: c.deployment.weights for tier in model.tiers for c in tier if c.deployment.cache_events}
            for id, weights in told.items():
                self.of[id] = self._precise.setdefault(weights, Precise())
                self.of[id].watch(id)
            self._models[model.name] = tuple(self._precise[weights] for weights in dict.fromkeys(told.values()))
        for id, precise in before.items():
            if self.of.get(id) is not precise:
                precise.forget(id)
        for id in self.guess.held.keys() - named:
            self.guess.clear(id)
        self._precise = {weights: precise for weights, precise in self._precise.items() if precise.mirrors}

    def mirror(self, id: Id) -> Mirror:
        return self.of[id].mirrors[id]

    # a request's way

    def placed(self, request: Request, blocks: tuple[int, ...], block_tokens: float) -> Request:
        """The request with its blocks, of so many tokens each, and what of them each endpoint is believed to hold."""
        found = self.guess.match(blocks, request.received)
        most = request.prompt_tokens
        matched = {id: min(most, int(count * block_tokens)) for id, count in found.items()}
        told = False
        for number, precise in enumerate(self._models.get(request.model, ())):
            told = precise.refine(matched, found, blocks, most) and (told or not number)
        self.signals[request.model, Signal.PRECISE if told else Signal.PREFIX] += 1
        return msgspec.structs.replace(request, blocks=blocks, block_tokens=block_tokens, matched=matched, told=told)

    def hold(self, candidate: Candidate, request: Request, now: float, facts: Facts | None) -> None:
        """The endpoint is sent a prompt, and will hold it. ``facts``: of its body; None where it has none."""
        id = candidate.id
        room = candidate.load.scraped.kv_tokens or KV_TOKENS
        used = now if candidate.deployment.own else now - TTL + CLOUD_TTL  # so that it is believed in for less long
        self.guess.hold(id, request.blocks, int(room / request.block_tokens), used)
        precise = self.of.get(id)
        if precise is not None and request.matched is not None and facts is not None:
            self._want(precise, candidate, request, facts)

    def _want(self, precise: Precise, candidate: Candidate, request: Request, facts: Facts) -> None:
        """Have the tokens of a prompt learned, where they can be and are not known."""
        last, id = request.blocks[-1], candidate.id
        mirror = precise.mirrors[id]
        if last in precise.chains.known or last in self._wanted or not precise.size or not mirror.up:
            return
        if not FAMILY[request.family].countable or len(facts.body) > LARGEST:
            return
        model = candidate.deployment.model
        adapter = model if model in mirror.adapters else ""
        self._wanted[last] = TokenizeJob(candidate, request, facts, adapter, precise.size)
        self._held += len(facts.body)
        while len(self._wanted) > QUEUED or self._held > HELD:
            self.prompts[self._oldest().candidate.id[0], "dropped"] += 1
        self.wake()

    def _oldest(self) -> TokenizeJob:
        _, wanted = self._wanted.popitem(last=False)
        self._held -= len(wanted.facts.body)
        return wanted

    def wanted(self) -> TokenizeJob | None:
        """The next prompt to learn."""
        return self._oldest() if self._wanted else None

    def learned(self, wanted: TokenizeJob, names: tuple[int, ...]) -> None:
        """It is these token blocks."""
        self.prompts[wanted.candidate.id[0], "learned"] += 1
        precise = self.of.get(wanted.candidate.id)
        if precise is not None and precise.size == wanted.size:
            precise.chains.learn(wanted.request.blocks, names)
            precise.prove(wanted.request.blocks)

    def unlearned(self, wanted: TokenizeJob) -> None:
        """Its engine did not say."""
        self.prompts[wanted.candidate.id[0], "failed"] += 1

    def computed(self, id: Id, request: Request) -> None:
        """The engine has computed a prompt: where much of it was new, its events should tell."""
        precise = self.of.get(id)
        if precise is None or request.matched is None:
            return
        precise.prove(request.blocks)
        if request.prompt_tokens - request.matched.get(id, 0) > max(NEWS, request.prompt_tokens / 4):
            mirror = precise.mirrors[id]
            mirror.unheard += 1
            precise.judge(mirror)

    # what engines tell

    def connected(self, id: Id, up: bool) -> None:
        """Its publisher is there, or gone."""
        precise = self.of.get(id)
        if precise is None:  # a reload has just dropped it
            return
        mirror = precise.mirrors[id]
        if up:
            mirror.up = True
        else:
            mirror.lost()
        precise.judge(mirror)

    def told(self, id: Id, batch: Batch) -> None:
        """A batch of its events."""
        precise = self.of.get(id)
        if precise is None:
            return
        mirror = precise.mirrors[id]
        if not batch.events and batch.seq == mirror.last:
            return  # a heartbeat
        mirror.follow(batch.seq, batch.publisher)
        for event in batch.events:
            if isinstance(event, Cleared):
                mirror.clear()
            elif event.group in mirror.groups:
                continue
            elif isinstance(event, Removed):
                mirror.removed(event.hashes)
            else:
                self._stored(precise, mirror, event)
        precise.judge(mirror)

    def _stored(self, precise: Precise, mirror: Mirror, event: Stored) -> None:
        if event.partial or not precise.sized(mirror, event.size):
            mirror.groups.add(event.group)  # none of its blocks can be compared with a prompt's
            return
        mirror.stored(event.hashes, event.parent, event.tokens, event.adapter, [marks(each) for each in event.extras])

    def garbled(self, id: Id) -> None:
        """A message that cannot be read: what it told is missed."""
        self.garbage[id] += 1
        self.purge(id, "garbage")

    # what is seen of an endpoint

    def seen(self, id: Id, load: EngineLoad) -> None:
        """What its metrics say: whether it sleeps, its size, and whether it has worked at all."""
        precise = self.of.get(id)
        if precise is None:
            return
        mirror = precise.mirrors[id]
        if load.sleeping:
            self.purge(id, "asleep")
        elif mirror.up and mirror.last is None and load.prefix_queries == 0:
            mirror.whole = True  # nothing is in its cache yet
            precise.judge(mirror)
        if precise.size and load.kv_tokens:
            mirror.capacity = int(load.kv_tokens / precise.size)
            mirror.room = TIERS * mirror.capacity

    def purge(self, id: Id, cause: str) -> None:
        """What was told of it is not so any more."""
        precise = self.of.get(id)
        if precise is not None:
            mirror = precise.mirrors[id]
            mirror.purge(cause)
            precise.judge(mirror)

    def emptied(self, id: Id) -> None:
        """Its engine started anew or sleeps: nothing is guessed of it. What a new engine has told since stands."""
        self.guess.clear(id)
