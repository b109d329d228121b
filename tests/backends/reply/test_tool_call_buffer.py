"""Held tool calls: whole or not at all."""

from backends.reply.chat_stream import ChatStream
from backends.reply.tool_call_buffer import MAX_HELD, HeldCalls
from tests.backends.recover.wire import DONE, chunk

ROLE = chunk("a", {"role": "assistant", "content": ""})
TEXT = chunk("a", {"content": "I look."})
END = chunk("a", {}, "tool_calls")


def call(index: int, arguments: str) -> bytes:
    return chunk("a", {"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


def held() -> HeldCalls:
    return HeldCalls(ChatStream(hide_usage=True))


def test_what_is_no_call_passes_as_it_came() -> None:
    decoder = held()
    data = ROLE + TEXT
    assert decoder.feed(data) is data
    assert decoder.committed


def test_a_call_waits_for_the_finish_and_commits_only_then() -> None:
    decoder = held()
    assert decoder.feed(ROLE) == ROLE
    assert decoder.feed(call(0, '{"a"') + call(0, ":1}")) == b""
    assert decoder.progressed and not decoder.committed
    assert decoder.feed(END + DONE) == call(0, '{"a"') + call(0, ":1}") + END + DONE
    assert decoder.committed and decoder.close() == b"" and decoder.fault is None


def test_the_next_call_lets_the_one_before_it_go() -> None:
    decoder = held()
    assert decoder.feed(call(0, "{}") + call(1, "{")) == call(0, "{}")
    assert decoder.committed
    assert decoder.feed(call(1, "}")) == b""
    assert decoder.feed(END) == call(1, "{") + call(1, "}") + END


def test_order_is_kept() -> None:
    decoder = held()
    out = b"".join(decoder.feed(part) for part in (TEXT, call(0, "{"), TEXT, call(0, "}"), END, DONE))
    assert out == TEXT + call(0, "{") + TEXT + call(0, "}") + END + DONE


def test_a_call_that_dies_leaves_no_trace() -> None:
    decoder = held()
    assert decoder.feed(TEXT + call(0, "{")) == TEXT
    assert decoder.close() == b""
    assert decoder.fault is not None


def test_arguments_without_end_are_passed_on() -> None:
    decoder = held()
    big = call(0, "x" * (MAX_HELD // 2))
    assert [decoder.feed(big) for _ in range(3)] == [b"", big * 2, b""]
    assert decoder.committed


def test_an_event_that_cannot_be_read_in_full_passes_and_counts() -> None:
    """Seen by fuzzing: a finish with a key that is no text was taken for nothing: the answer was an empty success."""
    odd = END.replace(b'"created"', b'"cre\xffted"')
    decoder = held()
    assert decoder.feed(ROLE) == ROLE and not decoder.committed
    assert decoder.feed(odd) == odd and decoder.committed
    assert decoder.close() == b"" and decoder.fault is None


def test_what_is_held_at_a_good_end_is_told() -> None:
    decoder = held()
    assert decoder.feed(TEXT + END + call(0, "{}")) == TEXT + END
    assert decoder.close() == call(0, "{}") and decoder.fault is None
