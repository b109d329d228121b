"""The messages API's request shapes. A wrong type is reported by its path."""

from typing import Any

import msgspec

from backends.contract.conversation import ABSENT
from backends.contract.peek import STEERING
from backends.dialects.openai.chat.wire import Cache, ThinkingSpec

Raw = msgspec.Raw


class Source(msgspec.Struct, gc=False):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""


class Block(msgspec.Struct):
    type: str
    text: str = ""
    source: Source | None = None
    title: str | None = None
    id: str = ""
    name: str = ""
    input: Raw = Raw(b"{}")
    tool_use_id: str = ""
    content: "str | list[Block] | dict[str, Any] | None" = None  # an object: what a tool of Anthropic's own did
    is_error: bool | None = None
    thinking: str = ""
    signature: str = ""
    data: str = ""
    cache_control: Cache | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[Block]


class ToolSpec(msgspec.Struct):
    name: str = ""
    type: str | None = None
    description: str | None = None
    input_schema: Raw = ABSENT
    strict: bool | None = None
    cache_control: Cache | None = None


class Choice(msgspec.Struct):
    type: str
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class Metadata(msgspec.Struct, gc=False):
    user_id: str | None = None


class OutputFormat(msgspec.Struct):
    type: str
    schema: Raw = Raw(b"{}")


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: OutputFormat | None = None


class MessagesRequest(msgspec.Struct):
    messages: list[Message]
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    metadata: Metadata | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: Choice | None = None
    thinking: ThinkingSpec | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None
    service_tier: str | None = None


#: Read, or hints that change nothing of the answer where they mean nothing.
READ = (
    frozenset(STEERING)
    | frozenset(MessagesRequest.__struct_fields__)
    | {"model", "cache_control", "context_management", "diagnostics"}
)
