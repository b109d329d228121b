"""Wherever a stream dies and however the next one is cut: the client reads one text, with nothing twice or missing."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from backends.recover.continuation_modes import Continuing, Realigning
from tests.backends.recover.wire import COMMENT, feed, kept, read, seam, stream

WORDS = ("a", "b", "ab", " ", "é", "\U0001f340", "\n\n", "END", '"', "\\", "data:")
Pieces = list[tuple[str, str]]


@st.composite
def texts(draw: st.DrawFn, least: int = 0) -> str:
    return "".join(draw(st.lists(st.sampled_from(WORDS), min_size=least, max_size=12)))


@st.composite
def split(draw: st.DrawFn, text: str, channel: str = "content") -> Pieces:
    """The text in pieces, as an engine may cut it."""
    places = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    bounds = [0, *places, len(text)]
    return [(channel, text[a:b]) for a, b in itertools.pairwise(bounds) if a < b]


@st.composite
def packets(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The bytes as a network may cut them."""
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=8)))
    bounds = [0, *places, len(data)]
    return [data[a:b] for a, b in itertools.pairwise(bounds)]


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_continued_stream_loses_and_repeats_nothing(data: st.DataObject) -> None:
    before, after = data.draw(texts(1)), data.draw(texts())
    stops = tuple(data.draw(st.lists(texts(1), max_size=2)))
    if any(stop in before or stop in after for stop in stops):
        return  # the upstreams would have ended there
    held = kept("old", data.draw(split(before)))
    decoder = seam(Continuing(held, stops, include_stop=False), held)
    out = feed(decoder, data.draw(packets(stream("new", data.draw(split(after)), "length", (10 + held.tokens, 5)))))
    seen = read(out)
    across = [at for stop in stops if (at := (before + after).find(stop)) >= 0]
    assert decoder.fault is None
    assert seen.texts.get("content", "") == ("" if across else after)
    assert seen.finishes == (["stop"] if across else ["length"])
    assert (seen.ids, seen.models, seen.roles, seen.done) == ({"old"}, {"model-old"}, 0, 1)
    assert out.startswith(COMMENT) and len(seen.comments) == 1
    assert decoder.over == bool(across)
    if not across:
        assert seen.usage is not None
        assert (seen.usage["prompt_tokens"], seen.usage["completion_tokens"]) == (10, held.tokens + 5)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_realigned_stream_is_the_undisturbed_one(data: st.DataObject) -> None:
    thought, said = data.draw(texts()), data.draw(texts(1))
    whole = [("reasoning_content", thought)] if thought else []
    cut = data.draw(st.integers(1, len(said)))
    held = kept("old", [*whole, *data.draw(split(said[:cut]))])
    again = [*data.draw(split(thought, "reasoning_content")), *data.draw(split(said))]
    decoder = seam(Realigning(held), held)
    seen = read(feed(decoder, data.draw(packets(stream("new", again)))))
    assert decoder.fault is None
    assert seen.texts == ({"content": said[cut:]} if cut < len(said) else {})
    assert (seen.finishes, seen.ids, seen.roles, seen.done) == (["stop"], {"old"}, 0, 1)
    assert seen.usage is not None and seen.usage["completion_tokens"] == 5


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_run_that_says_something_else_is_given_up_before_the_client_sees_any_of_it(data: st.DataObject) -> None:
    said, other = data.draw(texts(1)), data.draw(texts())
    if other.startswith(said):
        return
    held = kept("old", data.draw(split(said)))
    decoder = seam(Realigning(held), held)
    assert feed(decoder, data.draw(packets(stream("new", data.draw(split(other)))))) == b""
    assert decoder.fault is not None and not decoder.committed
