"""Caches: a prompt's way from a guess to what engines told, and back down the ladder."""

import msgspec
import pytest

from backends.contract.facts import Facts
from backends.vllm.kv_events import Batch, Cleared, Event, Removed, Stored
from gateway.state.prompt_caches import HELD, LARGEST, QUEUED, PromptCaches, TokenizeJob
from policies.learning.prefix import token_blocks
from policies.load.candidate import Candidate
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request
from tests.facts import facts
from tests.policies.world import ask, model, place

SIZE, TOKENS = 16, list(range(160))
BLOCKS = (1, 2)
SAID = facts()
ID = ("pool", "http://a")


def known(*names: str) -> tuple[PromptCaches, list[Candidate]]:
    """Caches of engines that publish events, one by name, heard from their first word on."""
    places = [place("pool", f"http://{name}", cache_events=True, weights="w", own=True) for name in names]
    caches = PromptCaches()
    caches.keep([msgspec.structs.replace(model("m", places), needs=frozenset({"prefix"}))])
    for each in places:
        caches.connected(each.id, True)
        tell(caches, each, 0)
    return caches, places


def tell(caches: PromptCaches, where: Candidate, seq: int, *events: Event) -> None:
    caches.told(where.id, Batch(seq, b"", list(events)))


def whole(tokens: list[int] = TOKENS, size: int = SIZE) -> Stored:
    count = len(tokens) // size
    return Stored(list(range(1, count + 1)), None, tokens, size, extras=[[]] * count)


def asked(blocks: tuple[int, ...] = BLOCKS, family: str = "chat") -> Request:
    return msgspec.structs.replace(ask(), family=family, prompt_tokens=170, blocks=blocks)


def send(caches: PromptCaches, where: Candidate, request: Request | None = None, said: Facts = SAID) -> Request:
    request = request or asked()
    request = caches.placed(request, request.blocks, 80.0)
    caches.hold(where, request, 0.0, said)
    return request


def learn(caches: PromptCaches, tokens: list[int] = TOKENS) -> TokenizeJob:
    wanted = caches.wanted()
    assert wanted is not None
    caches.learned(wanted, token_blocks.names(tokens, wanted.size, wanted.adapter))
    return wanted


def test_a_prompt_is_guessed_until_its_tokens_are_learned_and_then_known() -> None:
    caches, (a, _) = known("a", "b")
    tell(caches, a, 1, whole([7] * 32))  # its blocks' size is known by now
    first = send(caches, a)
    assert (first.matched, first.told) == ({}, True)
    again = caches.placed(asked(), BLOCKS, 80.0)
    assert (again.matched, again.told) == ({a.id: 160}, False)
    assert learn(caches) == TokenizeJob(a, first, SAID, "", SIZE)
    tell(caches, a, 2, whole())
    known_now = caches.placed(asked(), BLOCKS, 80.0)
    assert (known_now.matched, known_now.told) == ({a.id: 160}, True)
    tell(caches, a, 3, Removed([9, 10]))
    assert caches.placed(asked(), BLOCKS, 80.0).matched == {a.id: 128}
    tell(caches, a, 4, Cleared())
    assert caches.placed(asked(), BLOCKS, 80.0).matched == {}
    assert caches.signals == {("m", Signal.PRECISE): 4, ("m", Signal.PREFIX): 1}


def test_a_prompt_is_asked_for_once_and_never_when_it_is_known() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    send(caches, a)
    send(caches, a)
    learn(caches)
    assert caches.wanted() is None
    send(caches, a)
    assert caches.wanted() is None
    send(caches, a, asked(blocks=(1, 2, 3)))
    assert caches.wanted() is not None


@pytest.mark.parametrize("what", ["no size yet", "not connected", "another family", "a very long body"])
def test_what_cannot_be_asked_is_not(what: str) -> None:
    caches, (a,) = known("a")
    if what != "no size yet":
        tell(caches, a, 1, whole())
    if what == "not connected":
        caches.connected(a.id, False)
    family = "responses" if what == "another family" else "chat"
    send(caches, a, asked(family=family), facts(b"x" * 2**20) if what == "a very long body" else SAID)
    assert caches.wanted() is None


def test_no_more_wait_than_there_is_room_for_and_the_oldest_gives_way() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    for number in range(QUEUED + 3):
        send(caches, a, asked(blocks=(1000 + number,)))
    first = caches.wanted()
    assert first is not None
    assert first.request.blocks == (1003,)
    assert caches.prompts == {("pool", "dropped"): 3}


def test_however_long_prompts_are_those_that_wait_take_no_more_memory_than_is_set_aside() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    body = facts(b"x" * LARGEST)
    for number in range(40):
        send(caches, a, asked((number,)), body)
    assert caches.prompts[ID[0], "dropped"] == 40 - HELD // LARGEST
    left = []
    while (wanted := caches.wanted()) is not None:
        left.append(wanted.request.blocks)
    assert left == [(number,) for number in range(40 - HELD // LARGEST, 40)]
    send(caches, a, asked((41,)), body)
    assert caches.prompts[ID[0], "dropped"] == 40 - HELD // LARGEST, "what is taken makes room"


def test_a_prompt_that_cannot_be_learned_is_counted_and_asked_for_again() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    send(caches, a)
    wanted = caches.wanted()
    assert wanted is not None
    caches.unlearned(wanted)
    assert caches.prompts == {("pool", "failed"): 1}
    send(caches, a)
    assert caches.wanted() is not None


def test_an_adapters_prompts_are_its_own() -> None:
    """The deployment's model is a LoRA adapter, whose blocks the engine tells apart."""
    caches, (a,) = known("a")
    stored = msgspec.structs.replace(whole(), adapter="m")
    tell(caches, a, 1, stored)
    send(caches, a)
    assert learn(caches).adapter == "m"
    assert caches.placed(asked(), BLOCKS, 80.0).matched == {a.id: 160}


def test_one_source_that_is_lost_leaves_the_others_known() -> None:
    caches, (a, b) = known("a", "b")
    tell(caches, a, 1, whole())
    send(caches, a)
    learn(caches)
    send(caches, b)
    caches.connected(b.id, False)
    seen = caches.placed(asked(), BLOCKS, 80.0)
    assert (seen.matched, seen.told) == ({a.id: 160, b.id: 160}, False)
    assert caches.mirror(b.id).state == "missing"


def test_a_gap_and_garbage_empty_what_was_told() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    tell(caches, a, 3)
    assert caches.mirror(a.id).purges == {"gap": 1}
    tell(caches, a, 4, Cleared())
    caches.garbled(a.id)
    assert caches.mirror(a.id).purges == {"gap": 1, "garbage": 1}
    assert caches.garbage == {a.id: 1}
    assert caches.mirror(a.id).state == "partial"


def test_a_heartbeat_is_not_a_restart() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    tell(caches, a, 1)
    assert caches.mirror(a.id).state == "live"


def test_an_engine_that_works_and_tells_nothing_is_silent_but_known_prompts_need_no_telling() -> None:
    caches, (a,) = known("a")
    new = msgspec.structs.replace(asked(), prompt_tokens=1000, matched={})
    old = msgspec.structs.replace(new, matched={a.id: 980})
    for _ in range(50):
        caches.computed(a.id, old)
    assert caches.mirror(a.id).state == "live"
    for _ in range(8):
        caches.computed(a.id, new)
    assert caches.mirror(a.id).state == "silent"
    assert not caches.placed(asked(), BLOCKS, 80.0).told


def test_an_engine_that_has_computed_nothing_yet_holds_nothing() -> None:
    caches, (a,) = known("a")
    caches.connected(a.id, False)
    caches.connected(a.id, True)
    caches.seen(a.id, EngineLoad(prefix_queries=10.0))
    assert caches.mirror(a.id).state == "partial"
    caches.seen(a.id, EngineLoad(prefix_queries=0.0))
    assert caches.mirror(a.id).state == "live"
    tell(caches, a, 5)
    assert caches.mirror(a.id).state == "partial"


def test_a_sleeping_engine_holds_nothing() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    caches.seen(a.id, EngineLoad(sleeping=True))
    assert not caches.mirror(a.id).names


def test_a_mirror_is_bounded_by_what_the_engine_has_room_for() -> None:
    caches, (a,) = known("a")
    tell(caches, a, 1, whole())
    caches.seen(a.id, EngineLoad(kv_tokens=4.0 * SIZE))
    for seq in range(2, 100):
        tell(caches, a, seq, Stored([1000 + seq], None, [seq] * SIZE, SIZE, extras=[[]]))
    assert len(caches.mirror(a.id).names) == 16


def test_layers_that_cannot_be_compared_are_passed_over_and_alone_are_not_relied_on() -> None:
    caches, (a,) = known("a")
    window = msgspec.structs.replace(whole(), partial=True, group=1)
    tell(caches, a, 1, window, whole())
    assert caches.mirror(a.id).state == "live"
    tell(caches, a, 2, Removed([1], group=1))
    assert len(caches.mirror(a.id).names) == 10
    tell(caches, a, 3, Removed(list(range(1, 11))))
    assert caches.mirror(a.id).state == "partial"


def test_an_engine_with_blocks_of_another_size_is_not_relied_on() -> None:
    caches, (a, b) = known("a", "b")
    tell(caches, a, 1, whole())
    tell(caches, b, 1, whole(size=32))
    assert [caches.mirror(each.id).state for each in (a, b)] == ["live", "partial"]


def test_only_policies_that_read_prefixes_have_sources() -> None:
    caches = PromptCaches()
    caches.keep([model("m", [place("pool", "http://a", cache_events=True, weights="w")])])
    assert not caches.of


def test_what_a_reload_no_longer_names_is_forgotten() -> None:
    caches, (a, b) = known("a", "b")
    tell(caches, a, 1, whole())
    tell(caches, b, 1, whole())
    caches.keep([msgspec.structs.replace(model("m", [b]), needs=frozenset({"prefix"}))])
    assert set(caches.of) == {b.id}
    assert len(caches.mirror(b.id).names) == 10
    send(caches, b)
    learn(caches)
    assert caches.placed(asked(), BLOCKS, 80.0).matched == {b.id: 160}


def test_what_was_sent_to_an_endpoint_that_a_reload_dropped_is_forgotten() -> None:
    caches, (a, b) = PromptCaches(), (place("pool", f"http://{name}", own=True) for name in "ab")
    send(caches, a)
    send(caches, b)
    caches.keep([model("m", [b])])
    assert set(caches.guess.held) == {b.id}
    assert caches.placed(asked(), BLOCKS, 80.0).matched == {b.id: 160}


def test_prompts_that_no_engine_of_a_reload_would_hold_are_forgotten() -> None:
    caches, (a, _) = known("a", "b")
    tell(caches, a, 1, whole())
    send(caches, a)
    learn(caches)
    asked_for = msgspec.structs.replace(model("m", [a]), needs=frozenset({"prefix"}))
    caches.keep([])
    caches.keep([asked_for])
    assert not caches.of[a.id].chains.known


def test_what_is_heard_of_an_engine_after_a_reload_dropped_it_is_passed_over() -> None:
    caches, (a, _) = known("a", "b")
    caches.keep([])
    tell(caches, a, 1, whole())
    caches.connected(a.id, False)
    caches.connected(a.id, True)
    caches.garbled(a.id)
    assert not caches.of


@pytest.mark.parametrize(("own", "after"), [(True, 3500.0), (False, 290.0)])
def test_what_was_sent_is_believed_in_for_as_long_as_such_a_place_keeps_it(own: bool, after: float) -> None:
    caches, where = PromptCaches(), place("pool", own=own)
    send(caches, where)

    def matched(now: float) -> object:
        return caches.placed(msgspec.structs.replace(asked(), received=now), BLOCKS, 80.0).matched

    assert matched(after) == {where.id: 160}
    assert matched(after + 150.0) == {where.id: 0}
