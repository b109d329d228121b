"""Azure's addresses, and the event of a stream that has no choice."""

import msgspec
import pytest

from backends.contract.adapter import Incoming
from backends.contract.families import FAMILIES
from backends.contract.peek import peek
from backends.dialects.openai.azure import Azure, AzureStream
from policies.vocabulary.types import Request

CHAT = FAMILIES[0]
FILTER = (
    b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}\n\n'
)
FIRST = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"yes"},"content_filter_results":{}}]}\n\n'
LAST = b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    ("root", "version", "target"),
    [
        ("http://h", "", b"/openai/v1/chat/completions"),
        ("http://h/openai/v1", "", b"/openai/v1/chat/completions"),
        ("http://h/proxy", "", b"/proxy/openai/v1/chat/completions"),
        ("http://h", "2024-10-21", b"/openai/deployments/my%20dep/chat/completions?api-version=2024-10-21"),
        ("http://h/openai/v1", "v", b"/openai/deployments/my%20dep/chat/completions?api-version=v"),
        ("http://h/proxy", "v", b"/proxy/openai/deployments/my%20dep/chat/completions?api-version=v"),
    ],
)
def test_an_address(root: str, version: str, target: bytes) -> None:
    body = b'{"model":"m","messages":[]}'
    came = Incoming(Request("chat", "m", False, 1, 0.0), peek(CHAT, body, b"application/json"))
    azure = Azure(root, "my dep", {}, version)
    wire = azure.encode(came)
    assert wire.target == azure.target("chat") == target
    assert msgspec.json.decode(wire.body)["model"] == "my dep"


def test_the_filter_results_of_the_prompt_are_taken_out() -> None:
    stream = AzureStream(hide_usage=True)
    assert stream.feed(FILTER) == b""
    assert not stream.committed
    assert stream.feed(FIRST) == FIRST
    assert stream.feed(LAST) + stream.close() == LAST
    assert stream.fault is None


def test_filter_results_beside_a_choice_stay() -> None:
    both = FIRST.replace(b'{"id"', b'{"prompt_filter_results":[],"id"')
    assert AzureStream(hide_usage=True).feed(both) == both
