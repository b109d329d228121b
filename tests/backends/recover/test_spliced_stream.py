"""The seam: what a client reads where one stream takes another's place."""

from backends.recover.continuation_modes import Continuing, Realigning, Restarting
from backends.recover.spliced_stream import Mend, Mending, ending
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.backends.recover.wire import COMMENT, DONE, chunk, event, feed, kept, read, seam, stream
from tests.contracts_providers.google import GEMINI as GOOGLE
from tests.contracts_providers.harness import SSE, chat, incoming

SAID = [("content", "Once upon")]


def test_the_comment_stands_before_the_first_thing_the_client_gets() -> None:
    held = kept("old", SAID)
    decoder = seam(Continuing(held, (), False), held)
    assert decoder.feed(chunk("new", {"role": "assistant", "content": ""})) == b""
    assert not decoder.committed
    assert decoder.feed(chunk("new", {"content": " a"})).startswith(COMMENT + b'data: {"id":"old"')
    assert decoder.committed
    assert COMMENT not in decoder.feed(chunk("new", {"content": " time"}))


def test_text_that_may_become_a_stop_string_waits() -> None:
    held = kept("old", [("content", "the E")])
    decoder = seam(Continuing(held, ("END",), False), held)
    assert decoder.feed(chunk("new", {"content": "N"})) == b""
    seen = read(decoder.feed(chunk("new", {"content": "T"}) + chunk("new", {"content": "ER"})))
    assert seen.texts == {"content": "NTER"}


def test_a_stop_string_across_the_seam_ends_the_answer_and_the_upstream_can_stop() -> None:
    held = kept("old", [("content", "the E")])
    decoder = seam(Continuing(held, ("END",), False), held)
    seen = read(feed(decoder, [chunk("new", {"content": "ND of it"}), chunk("new", {"content": " all"})]))
    assert (seen.texts, seen.finishes, seen.done, decoder.over) == ({}, ["stop"], 1, True)
    assert seen.usage is not None and (seen.usage["prompt_tokens"], seen.usage["completion_tokens"]) == (9, 2)


def test_a_stop_string_that_is_to_be_shown_is_shown_to_its_end() -> None:
    held = kept("old", [("content", "the E")])
    decoder = seam(Continuing(held, ("END",), True), held)
    assert read(feed(decoder, [chunk("new", {"content": "ND of it"})])).texts == {"content": "ND"}


def test_a_finish_releases_what_waited_for_a_stop_string() -> None:
    held = kept("old", [("content", "the E")])
    decoder = seam(Continuing(held, ("END",), False), held)
    seen = read(feed(decoder, [stream("new", [("content", "N")], "length")]))
    assert (seen.texts, seen.finishes) == ({"content": "N"}, ["length"])


def test_usage_on_every_chunk_counts_from_the_first_stream_on() -> None:
    held = kept("old", [("content", "a"), ("content", "b")])
    decoder = seam(Continuing(held, (), False), held)
    value = {"id": "new", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "c"}}]}
    counted = {"prompt_tokens": 12, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 12}}
    out = decoder.feed(event({**value, "usage": counted}))
    assert b'"prompt_tokens":10,"completion_tokens":3' in out
    assert b'"cached_tokens":10' in out


def test_a_piece_that_lies_across_what_was_sent_is_cut_there() -> None:
    held = kept("old", SAID)
    decoder = seam(Realigning(held), held)
    assert decoder.feed(chunk("new", {"content": "Once up"})) == b""
    assert decoder.progressed and not decoder.committed
    assert read(decoder.feed(chunk("new", {"content": "on a time"}))).texts == {"content": " a time"}


def test_a_run_that_ends_too_soon_is_another_one() -> None:
    held = kept("old", SAID)
    decoder = seam(Realigning(held), held)
    assert feed(decoder, [stream("new", [("content", "Once")])]) == b""
    assert decoder.fault is not None and decoder.fault.failure is Failure.BROKEN_STREAM


def test_a_restart_shows_its_reasoning_after_the_first() -> None:
    held = kept("old", [("reasoning_content", "so")])
    decoder = seam(Restarting(held), held)
    seen = read(feed(decoder, [stream("new", [("reasoning_content", "well"), ("content", "yes")])]))
    assert seen.texts == {"reasoning_content": "well", "content": "yes"}
    assert (seen.roles, seen.ids) == (0, {"old"})
    assert seen.usage is not None and seen.usage["completion_tokens"] == 6


def test_what_a_translated_stream_says_at_its_end_goes_over_the_seam_too() -> None:
    """Google's finish and usage are told when its stream has ended, in the translation's own id."""
    held, came = kept("old", SAID), incoming("chat", chat({}, stream=True))
    mending = Mending(GOOGLE.adapter(), Mend(Realigning(held), held, COMMENT, True, 10))
    mending.encode(came)
    said = {"content": {"role": "model", "parts": [{"text": "Once upon a time"}]}, "finishReason": "STOP"}
    counted = {"promptTokenCount": 4, "candidatesTokenCount": 6, "totalTokenCount": 10}
    packet = event({"candidates": [said], "usageMetadata": counted, "modelVersion": "g", "responseId": "new"})
    seen = read(feed(mending.decoder(came, SSE), [packet]))
    assert (seen.texts, seen.ids, seen.finishes, seen.done) == ({"content": " a time"}, {"old"}, ["stop"], 1)
    assert seen.usage is not None and seen.usage["completion_tokens"] == 6


def test_the_second_death_is_a_fault_like_any() -> None:
    held = kept("old", SAID)
    decoder = seam(Continuing(held, (), False), held)
    assert decoder.feed(chunk("new", {"content": " a"}) + DONE).endswith(b"\n\n")
    assert decoder.fault is not None and decoder.fault.failure is Failure.BROKEN_STREAM


def test_an_answer_at_its_limit_is_ended_without_another_attempt() -> None:
    seen = read(ending(kept("old", SAID), "chat", Usage(3, 1)))
    assert (seen.finishes, seen.ids, seen.done) == (["length"], {"old"}, 1)
    assert seen.usage == {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
    assert b"usage" not in ending(kept("old", SAID), "completions", None)
