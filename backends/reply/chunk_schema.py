"""The narrow schema of a chat chunk: content, finish reason, usage, error."""

import msgspec

from backends.contract.usage import Counted

ABSENT = msgspec.Raw()


class Delta(msgspec.Struct):
    """Raw, since servers disagree about the types: some send content as a list of parts."""

    content: msgspec.Raw = ABSENT
    reasoning_content: msgspec.Raw = ABSENT
    reasoning: msgspec.Raw = ABSENT
    refusal: msgspec.Raw = ABSENT
    tool_calls: msgspec.Raw = ABSENT
    function_call: msgspec.Raw = ABSENT
    audio: msgspec.Raw = ABSENT


class Choice(msgspec.Struct):
    index: msgspec.Raw = ABSENT
    delta: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct):
    choices: list[Choice] | None = None
    usage: Counted | None = None
    error: msgspec.Raw = ABSENT


class Bare(msgspec.Struct):
    """Whether it has choices at all."""

    choices: list[msgspec.Raw] | None = None
