"""Kept text: what a client holds, read in batches, bounded."""

from backends.recover.transcript import BATCH, MAX_TEXT, Kept, TranscriptRecorder
from tests.backends.recover.wire import chunk, event, kept


def test_the_texts_are_kept_in_order_by_channel() -> None:
    held = kept("a", [("reasoning_content", "hm"), ("content", "On"), ("content", "ce")])
    assert held.said == [("reasoning_content", "hm"), ("content", "Once")]
    assert (held.content, held.tokens, held.characters) == ("Once", 3, 6)
    assert held.head == {"id": "a", "created": 97, "model": "model-a"}
    assert not held.called and not held.finished


def test_tool_calls_finishes_and_choices_are_noted() -> None:
    held = Kept()
    held.read(event({"id": "a", "choices": [{"index": 2, "delta": {"content": "x"}}]}) + b": ping\n\n")
    held.read(chunk("a", {"tool_calls": [{"index": 0}]}) + chunk("a", {}, "tool_calls"))
    assert (held.choices, held.called, held.finished) == (3, True, {0})


def test_a_keeper_passes_on_what_it_keeps() -> None:
    passed: list[bytes] = []
    keeper = TranscriptRecorder(passed.append)
    events = [chunk("a", {"content": str(n)}) for n in range(BATCH // 50)]
    for each in events:
        keeper.write(each)
    assert passed == events
    assert keeper.kept.tokens, "most of it was read on the way"
    assert keeper.all().content == "".join(map(str, range(BATCH // 50)))


def test_text_beyond_the_bound_is_forgotten() -> None:
    held = Kept()
    piece = chunk("a", {"content": "é" * 1000})
    held.read(piece * (MAX_TEXT // 2000))
    assert not held.overflow
    held.read(piece)
    assert held.overflow and not held.said
    held.read(piece)
    assert not held.said


def test_a_choice_without_a_number_or_that_is_none_is_no_crash() -> None:
    """Seen by fuzzing: after the commit a chunk passes unread, and what is kept of it must bear anything."""
    held = Kept()
    held.read(event({"id": "a", "choices": [{"index": "x", "delta": {"content": "y"}}, 7, None]}))
    held.read(event({"id": "a", "choices": {"0": 1}}) + event({"choices": [[]]}))
    assert (held.content, held.choices) == ("y", 1)
