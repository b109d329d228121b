"""The responses API's recordings: answers pass and are counted, requests are conversations or out of scope."""

import msgspec
import pytest

from backends.contract.decoder import Decoder
from backends.contract.peek import BadBody
from backends.dialects.openai.responses.read_request import read_responses
from backends.reply.named_events import TypedStream
from backends.reply.whole_reply import WholeBody
from tests.facts import facts
from tests.recordings.reading import FOLDER, Exchange, exchanges
from tests.recordings.scope import reason

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="the recordings lie beside the checkout")
CALLS = [
    each
    for folder in ("openai", "anthropic", "azure")
    for each in exchanges(folder, r"/v1/responses(\?|$)")
    if each.status == 200
]


@pytest.mark.parametrize("exchange", CALLS, ids=lambda each: each.name)
def test_a_recorded_response_passes_and_is_counted(exchange: Exchange) -> None:
    decoder = read(exchange)
    assert decoder.fault is None
    usage = _usage(exchange)
    assert (decoder.usage.prompt, decoder.usage.completion) == (usage["input_tokens"], usage["output_tokens"])
    assert decoder.usage.reasoning == usage["output_tokens_details"]["reasoning_tokens"]
    assert decoder.usage.cached == usage["input_tokens_details"]["cached_tokens"]


def read(exchange: Exchange) -> Decoder:
    """What has read a recorded answer, whose bytes passed as they were."""
    decoder = TypedStream() if exchange.streamed else WholeBody(json=True)
    out = decoder.feed(exchange.reply) + decoder.close()
    assert out == exchange.reply
    return decoder


@pytest.mark.parametrize("exchange", CALLS, ids=lambda each: each.name)
def test_a_recorded_request_is_a_conversation_or_out_of_scope_for_a_reason(exchange: Exchange) -> None:
    told = said(exchange)
    assert not told or reason(told), told


def said(exchange: Exchange) -> str:
    """Read a recorded request; empty: it is a conversation, and all of it."""
    assert exchange.request is not None
    try:
        conversation = read_responses(facts(msgspec.json.encode(exchange.request), "responses"))
    except BadBody as problem:
        return str(problem)
    assert conversation.messages
    return "dropped: " + ", ".join(conversation.extra) if conversation.extra else ""


def _usage(exchange: Exchange) -> dict[str, dict[str, int]]:
    if not exchange.streamed:
        return msgspec.json.decode(exchange.reply)["usage"]
    lines = [line[5:] for line in exchange.reply.splitlines() if line.startswith(b"data:")]
    return msgspec.json.decode(lines[-1])["response"]["usage"]
