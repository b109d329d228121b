"""The chat API's request shapes. A wrong type is reported by its path."""

from typing import Any

import msgspec

from backends.contract.conversation import ABSENT, ANTHROPIC, GOOGLE
from backends.contract.peek import STEERING

Raw = msgspec.Raw

#: OpenRouter's words for whose reasoning it is, by the origin of its signature, and back.
FORMATS = {ANTHROPIC: "anthropic-claude-v1", GOOGLE: "google-gemini-v1", "": "unknown"}
ORIGINS = {"anthropic-claude-v1": ANTHROPIC, "google-gemini-v1": GOOGLE}


class Cache(msgspec.Struct, gc=False):
    """Anthropic's marker, as clients of the chat API send it."""

    type: str = "ephemeral"
    ttl: str | None = None


class ImageUrl(msgspec.Struct, gc=False):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct, gc=False):
    data: str
    format: str = "wav"


class File(msgspec.Struct, gc=False):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class ContentPart(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    cache_control: Cache | None = None


class Function(msgspec.Struct, gc=False):
    name: str
    arguments: str = ""


class Google(msgspec.Struct, gc=False):
    thought_signature: str = ""


class ExtraContent(msgspec.Struct, gc=False):
    """Where Gemini's own OpenAI endpoint keeps a call's signature."""

    google: Google | None = None


class Call(msgspec.Struct):
    id: str = ""
    type: str = "function"
    function: Function | None = None
    extra_content: ExtraContent | None = None
    cache_control: Cache | None = None


class ReasoningDetail(msgspec.Struct, gc=False):
    """A piece of reasoning as OpenRouter spells it: ``format`` says whose it is."""

    type: str = "reasoning.text"
    text: str | None = None
    summary: str | None = None
    signature: str | None = None
    data: str | None = None
    format: str | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[ContentPart] | None = None
    name: str | None = None
    tool_calls: list[Call] | None = None
    function_call: Function | None = None
    tool_call_id: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None
    cache_control: Cache | None = None


class FunctionSpec(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: Raw = ABSENT
    strict: bool | None = None


class ToolSpec(msgspec.Struct):
    type: str = "function"
    function: FunctionSpec | None = None
    cache_control: Cache | None = None


class NamedFunction(msgspec.Struct, gc=False):
    name: str


class Choice(msgspec.Struct):
    type: str = "function"
    function: NamedFunction | None = None
    name: str | None = None  # the legacy function_call


class JsonSchema(msgspec.Struct):
    name: str = "answer"
    description: str | None = None
    schema: Raw = ABSENT
    strict: bool | None = None


class ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class ReasoningSpec(msgspec.Struct, gc=False):
    """OpenRouter's ``reasoning``."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class ThinkingSpec(msgspec.Struct, gc=False):
    """Anthropic's ``thinking``, as clients of the chat API send it."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class ChatRequest(msgspec.Struct):
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: list[ToolSpec] | None = None
    functions: list[FunctionSpec] | None = None
    tool_choice: str | Choice | None = None
    function_call: str | Choice | None = None
    parallel_tool_calls: bool | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Raw = ABSENT
    logprobs: bool | None = None
    top_logprobs: int | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningSpec | None = None
    thinking: ThinkingSpec | None = None
    service_tier: str | None = None
    user: str | None = None
    metadata: dict[str, Any] | None = None


#: Hints that change nothing of the answer, and a few fields that are read elsewhere.
READ = frozenset(STEERING) | frozenset(ChatRequest.__struct_fields__) | {
    "model", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "stream",
}  # fmt: skip
