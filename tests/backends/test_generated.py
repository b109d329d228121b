"""Tokens of an answer that ends early are counted as it passes, about as the upstream would have counted them."""

import pytest

from backends.reply.chat_stream import ChatStream
from backends.reply.named_events import TypedStream
from backends.reply.tool_call_buffer import HeldCalls

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
WORD = b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"word"},"finish_reason":null}]}\n\n'


@pytest.mark.parametrize("size", [1, 7, len(WORD), 3 * len(WORD) + 1])
def test_deltas_of_a_chat_are_counted_however_they_are_cut(size: int) -> None:
    for decoder in (ChatStream(hide_usage=True), HeldCalls(ChatStream(hide_usage=True))):
        stream = ROLE + 12 * WORD
        for at in range(0, len(stream), size):
            decoder.feed(stream[at : at + size])
        assert decoder.generated == 12


def test_typed_deltas_are_counted_and_nothing_else() -> None:
    stream = TypedStream()
    kinds = (
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "message_delta",
    )
    for kind in kinds:
        stream.feed(b'event: x\ndata: {"type": "%b"}\n\n' % kind.encode())
    assert stream.generated == 2
