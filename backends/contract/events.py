"""Reply events: what a model answered, piece by piece, in no dialect. A whole answer is the same sequence.

    Start, then deltas, then one Finish a choice, UsageSeen anywhere (the last one counts)

A provider's reader makes them of wire bytes, a front door's writer makes either stream events or one body of them; so
an answer that is streamed and put together again is the answer that was not streamed.
"""

import msgspec

from policies.vocabulary.types import Usage


class Start(msgspec.Struct, frozen=True, gc=False):
    """The answer begins. Empty or 0: the provider did not say. ``created``: seconds since the epoch."""

    id: str = ""
    model: str = ""
    created: int = 0


class TextDelta(msgspec.Struct, frozen=True, gc=False):
    """More text. ``logprobs``: OpenAI's ``{"content": [...]}`` for these tokens, raw."""

    text: str
    choice: int = 0
    logprobs: msgspec.Raw | None = None


class ThoughtDelta(msgspec.Struct, frozen=True, gc=False):
    """More reasoning."""

    text: str
    choice: int = 0


class Signature(msgspec.Struct, frozen=True, gc=False):
    """The end of a thought, and its proof to ``origin``; ``redacted``: a thought that is ciphertext."""

    signature: str = ""
    redacted: str = ""
    origin: str = ""
    choice: int = 0


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a refusal's text."""

    text: str
    choice: int = 0


class CallStart(msgspec.Struct, frozen=True, gc=False):
    """A tool call begins. ``index``: its number among the choice's calls, from 0. ``signature``: as in ToolCall.

    Calls come one after the other, and each has some CallDelta: one without arguments has ``{}``.
    """

    index: int
    id: str
    name: str
    choice: int = 0
    signature: str = ""
    origin: str = ""


class CallDelta(msgspec.Struct, frozen=True, gc=False):
    """More of a call's arguments: a fragment of JSON text."""

    index: int
    arguments: str
    choice: int = 0


class Finish(msgspec.Struct, frozen=True, gc=False):
    """A choice is complete. ``reason``: stop, length, tool_calls, content_filter, or pause (the provider wants to be
    called again to continue). ``stop_sequence``: the one that was met, if reported."""

    reason: str
    stop_sequence: str = ""
    choice: int = 0


class UsageSeen(msgspec.Struct, frozen=True, gc=False):
    """Tokens so far: a total, never an increment. ``service_tier``: the one that served, where the provider says."""

    usage: Usage
    service_tier: str = ""


Event = Start | TextDelta | ThoughtDelta | Signature | RefusalDelta | CallStart | CallDelta | Finish | UsageSeen


def is_content(event: Event) -> bool:
    """Whether it commits an answer: something generated that is not empty, or a finish."""
    if isinstance(event, TextDelta | ThoughtDelta | RefusalDelta):
        return bool(event.text)
    return isinstance(event, CallStart | CallDelta | Signature | Finish)
