"""The mirror against an engine's cache: equal while nothing is missed, never more than it when something is."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from policies.learning.prefix import token_blocks
from policies.learning.prefix.engine_cache import SILENT, Mirror
from policies.learning.prefix.holders import Holders

ID, SIZE = ("pool", "http://a"), 2


def fresh() -> Mirror:
    return Mirror(ID, Holders(), up=True, size=SIZE)


def store(mirror: Mirror, hashes: list[int], parent: int | None, tokens: list[int]) -> None:
    mirror.stored(hashes, parent, tokens, "", [""] * len(hashes))


def live(mirror: Mirror) -> Mirror:
    mirror.follow(0, b"")
    return mirror


def test_blocks_are_found_by_our_names_and_removed_by_theirs() -> None:
    mirror = live(fresh())
    store(mirror, [71, 72], None, [1, 2, 3, 4])
    store(mirror, [73], 72, [5, 6])
    ours = token_blocks.names([1, 2, 3, 4, 5, 6], SIZE)
    assert mirror.holders.match(ours, 3) == {ID: 3}
    mirror.removed([73, 99])
    assert mirror.holders.match(ours, 3) == {ID: 2}
    assert mirror.state == "live"


def test_a_block_that_is_there_twice_goes_when_both_copies_went() -> None:
    mirror = live(fresh())
    for _ in range(2):
        store(mirror, [71], None, [1, 2])
    mirror.removed([71])
    assert set(mirror.names) == {71}
    mirror.removed([71])
    assert not mirror.names
    assert not mirror.holders.of


def test_hashes_may_be_bytes() -> None:
    mirror = live(fresh())
    mirror.stored([b"x" * 32], None, [1, 2], "", [""])
    assert mirror.holders.match(token_blocks.names([1, 2], SIZE), 1) == {ID: 1}


def test_a_gap_empties_it_and_it_tells_only_what_came_since() -> None:
    mirror = live(fresh())
    store(mirror, [71], None, [1, 2])
    mirror.follow(2, b"")
    assert (mirror.purges, mirror.state, len(mirror.names)) == ({"gap": 1}, "partial", 0)
    store(mirror, [72], 71, [3, 4])  # behind what is not known any more
    assert not mirror.names
    store(mirror, [73], None, [5, 6])
    assert len(mirror.names) == 1


def test_a_sequence_that_begins_anew_is_an_engine_that_did() -> None:
    mirror = live(fresh())
    store(mirror, [71], None, [1, 2])
    mirror.follow(1, b"")
    mirror.follow(0, b"")
    assert (mirror.purges, mirror.state, len(mirror.names)) == ({"restart": 1}, "live", 0)


def test_another_publisher_at_the_same_place_is_another_engine() -> None:
    mirror = live(fresh())
    store(mirror, [71], None, [1, 2])
    mirror.follow(1, b"another")
    assert (mirror.purges, mirror.state) == ({"restart": 1}, "partial")


def test_a_lost_publisher_empties_it_until_it_is_heard_from_the_first_word_on() -> None:
    mirror = live(fresh())
    store(mirror, [71], None, [1, 2])
    mirror.lost()
    assert (mirror.state, mirror.purges, len(mirror.names)) == ("missing", {"lost": 1}, 0)
    mirror.up = True
    mirror.follow(17, b"")
    assert mirror.state == "partial"
    mirror.clear()
    assert mirror.state == "live"


def test_it_is_whole_again_when_as_much_was_stored_as_the_cache_holds() -> None:
    mirror = fresh()
    mirror.capacity = 3
    mirror.follow(17, b"")
    store(mirror, [71, 72], None, [1, 2, 3, 4])
    assert mirror.state == "partial"
    store(mirror, [75], 70, [1, 2])  # what was there before is there still
    store(mirror, [73, 74], 72, [5, 6, 7, 8])
    assert mirror.state == "partial"
    store(mirror, [76], 74, [5, 6])
    assert mirror.state == "live"


def test_an_engine_that_works_and_says_nothing_is_silent() -> None:
    mirror = live(fresh())
    mirror.unheard = SILENT
    assert mirror.state == "silent"
    mirror.follow(1, b"")
    assert mirror.state == "live"


def test_no_more_is_kept_than_there_is_room_for() -> None:
    mirror = live(fresh())
    mirror.room = 10
    for number in range(100):
        store(mirror, [number], number - 1 if number else None, [number, number])
    assert len(mirror.names) == len(mirror.holders.of) == 10
    assert mirror.state == "partial"


class Engine:
    """A cache that stores prompts' blocks, in copies where they are computed twice, and evicts at random."""

    def __init__(self) -> None:
        self.held: Counter[int] = Counter()

    def store(self, text: tuple[int, ...]) -> tuple[str, list[int], int | None, list[int]]:
        blocks = [text[: n + SIZE] for n in range(0, len(text) - SIZE + 1, SIZE)]
        cached = next((n for n, block in enumerate(blocks) if not self.held[hash(block)]), len(blocks))
        cached = max(0, cached - 1)  # the last one may be computed a second time
        hashes = [hash(block) for block in blocks[cached:]]
        self.held.update(hashes)
        return "stored", hashes, hash(blocks[cached - 1]) if cached else None, list(text[cached * SIZE :])

    def evict(self, number: int) -> tuple[str, list[int]]:
        held = sorted(self.held.elements())
        gone = held[number % len(held)] if held else 0
        self.held -= Counter([gone])
        return "removed", [gone]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("store"), st.lists(st.integers(0, 1), min_size=2, max_size=8).map(tuple)),
        st.tuples(st.just("evict"), st.integers(0, 99)),
        st.tuples(st.just("clear"), st.none()),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("reconnect"), st.none()),
        st.tuples(st.just("lose"), st.none()),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(steps)
def test_whatever_happens_it_is_the_engines_cache_or_a_part_of_it(happened: list[tuple[str, object]]) -> None:
    mirror, engine, seq, lost = fresh(), Engine(), 0, False
    for what, given_ in happened:
        event: tuple[object, ...] = ()
        if what == "store":
            event = engine.store(given_)  # type: ignore[arg-type]
        elif what == "evict":
            event = engine.evict(given_)  # type: ignore[arg-type]
        elif what == "clear":
            engine.held.clear()
            event = ("cleared",)
        elif what == "restart":
            engine, seq = Engine(), 0
            mirror.lost()
            mirror.up = True
        elif what == "reconnect":
            mirror.lost()
            mirror.up = True
        else:
            lost = True  # the next message never arrives
        if event:
            if lost:
                lost = False
            else:
                mirror.follow(seq, b"")
                tell(mirror, event)
                held = {hash for hash, copies in engine.held.items() if copies}
                assert set(mirror.names) <= held
                if mirror.state == "live":
                    assert set(mirror.names) == held
            seq += 1
    assert len(mirror.holders.of) == len(set(mirror.names.values()))


def tell(mirror: Mirror, event: tuple[object, ...]) -> None:
    kind, *rest = event
    if kind == "stored":
        store(mirror, *rest)  # type: ignore[arg-type]
    elif kind == "removed":
        mirror.removed(*rest)  # type: ignore[arg-type]
    else:
        mirror.clear()
