"""The responses API's request shapes. Rule: what is read of a body and how; a wrong type is named by its path."""

from typing import Any

import msgspec

from backends.contract.conversation import ABSENT, Raw
from backends.contract.peek import STEERING
from backends.dialects.openai.chat.wire import InputAudio


class Part(msgspec.Struct):
    type: str
    text: str = ""
    refusal: str = ""
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None


class Item(msgspec.Struct):
    type: str = "message"
    role: str = ""
    content: str | list[Part] | None = None
    call_id: str | None = None
    name: str = ""
    arguments: str | dict[str, Any] = ""  # an object: what a tool of OpenAI's own was asked
    output: str | list[Part] | None = None
    summary: list[Part] | None = None
    encrypted_content: str | None = None


class ToolSpec(msgspec.Struct):
    type: str
    name: str = ""
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class Choice(msgspec.Struct):
    type: str
    name: str = ""


class FormatSpec(msgspec.Struct):
    type: str
    name: str = "answer"
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class TextSpec(msgspec.Struct):
    format: FormatSpec | None = None


class ReasoningSpec(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


class ResponsesRequest(msgspec.Struct):
    input: str | list[Item] | None = None
    instructions: str | None = None
    stream: bool | None = None
    tools: list[ToolSpec] | None = None
    tool_choice: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    text: TextSpec | None = None
    reasoning: ReasoningSpec | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None
    previous_response_id: str | None = None
    conversation: Raw = ABSENT
    background: bool | None = None


#: Read, or hints that change nothing of the answer.
READ = frozenset(STEERING) | frozenset(ResponsesRequest.__struct_fields__) | {
    "model", "store", "include", "stream_options", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
}  # fmt: skip
