"""Claude on Vertex AI: Anthropic's messages API at Google's addresses.

Model and verb are in the path; the version is in the body, where the model would be.
"""

# compiled

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from backends.contract import faults as anthropic_faults
from backends.contract.adapter import Incoming, Wire
from backends.contract.conversation import Conversation
from backends.contract.dialect import Written
from backends.contract.headers import CARRIED, CONTENT_TYPE, EndpointHeaders
from backends.dialects.anthropic.anthropic import Anthropic
from backends.dialects.anthropic.messages.write_request import compose
from backends.dialects.google import faults as google_faults
from backends.dialects.google.address import model_path
from backends.dialects.openai.openai import OpenAI
from backends.request.splice import leave_out, splice
from policies.vocabulary.failure import Fault

VERSION = "vertex-2023-10-16"
_MEMBER = b'"anthropic_version":"%b"' % VERSION.encode()


def is_claude(model: str) -> bool:
    """Whether Vertex AI serves this model by rawPredict, in Anthropic's words."""
    return model.startswith("claude")


class Claude(Anthropic):
    """A Dialect. ``resource``: as Google's."""

    takes: ClassVar[frozenset[bytes]] = frozenset({b"anthropic-beta"})  # the version stands in the body

    def __init__(self, resource: str) -> None:
        self._resource = resource

    def write(self, conversation: Conversation, model: str) -> Written:
        body, dropped = compose(conversation, model)
        if conversation.stream:
            body["stream"] = True
        target = _target(self._resource, model, stream=conversation.stream)
        return Written(target, msgspec.json.encode({"anthropic_version": VERSION, **body}), tuple(dropped))

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return _fault(status, headers, body)


class ClaudeItself(OpenAI):
    """An Adapter of the messages API: the client's bytes, but that the model gives way to the version."""

    def __init__(self, root: str, resource: str, model: str, headers: Mapping[str, str]) -> None:
        super().__init__(root, model, headers, v1_in_root=True)
        prefix = self._targets["messages"].removesuffix(b"/messages")
        self._whole, self._streamed = (prefix + _target(resource, model, stream=stream) for stream in (False, True))
        takes = CONTENT_TYPE | CARRIED | Claude.takes
        self._heads = dict.fromkeys(self._heads, EndpointHeaders(self._own, takes))
        self._targets["count_tokens"] = prefix + _target(resource, "count-tokens", stream=False)

    def encode(self, incoming: Incoming) -> Wire:
        wire = super().encode(incoming)
        if incoming.facts.family.name == "count_tokens":
            wire.body = _versioned(wire.body, {"anthropic_version"})  # here the model stays where it is
            return wire
        wire.target = self._streamed if incoming.facts.stream else self._whole
        wire.body = _versioned(wire.body, {"anthropic_version", "model"})
        return wire

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return _fault(status, headers, body)


def _target(resource: str, model: str, *, stream: bool) -> bytes:
    return model_path(resource, "publishers/anthropic/models/", model) + (
        b":streamRawPredict" if stream else b":rawPredict"
    )


def _versioned(body: bytes, gone: set[str]) -> bytes:
    """The body without these members, and with the version as its first."""
    body = splice(body, leave_out(body, gone))
    at = body.index(b"{") + 1
    comma = b"" if body[at:].lstrip().startswith(b"}") else b","
    return b"%b%b%b%b" % (body[:at], _MEMBER, comma, body[at:])


def _fault(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
    """Who refuses is Anthropic's API, or Google before it is asked."""
    if b'"type":"error"' in body.replace(b" ", b""):
        return anthropic_faults.of_reply(status, headers, body)
    return google_faults.of_reply(status, headers, body)
