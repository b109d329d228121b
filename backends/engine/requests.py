"""Request shapes that the engine reads; unknown fields are ignored."""

from typing import Any, TypeVar

import msgspec

from backends.engine.errors import Refusal

JsonObject = dict[str, Any]
T = TypeVar("T")


class StreamOptions(msgspec.Struct):
    include_usage: bool | None = None


class Message(msgspec.Struct):
    role: str
    content: str | list[JsonObject] | None = None
    tool_calls: list[JsonObject] | None = None


class Sampled(msgspec.Struct, kw_only=True):
    """What every generating request may say."""

    model: str | None = None
    max_tokens: int | None = None
    min_tokens: int | None = None
    n: int | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    ignore_eos: bool | None = None
    response_format: JsonObject | None = None
    cache_salt: str | None = None

    def check(self) -> None:
        """Refuse values that have the right type and make no sense."""
        if self.n is not None and self.n < 1:
            raise Refusal(400, "n must be at least 1", "n")
        if self.max_tokens is not None and self.max_tokens < 0:
            raise Refusal(400, f"max_tokens must be at least 0, got {self.max_tokens}", "max_tokens")
        if self.temperature is not None and self.temperature < 0:
            raise Refusal(400, f"temperature must be non-negative, got {self.temperature}", "temperature")

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def include_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class ChatRequest(Sampled, kw_only=True):
    messages: list[Message]
    max_completion_tokens: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False


class CompletionRequest(Sampled, kw_only=True):
    prompt: str | list[str | int | list[int]]
    echo: bool | None = None
    logprobs: int | None = None


class ResponsesRequest(msgspec.Struct, kw_only=True):
    input: str | list[JsonObject]
    model: str | None = None
    instructions: str | None = None
    max_output_tokens: int | None = None
    stream: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    tools: list[JsonObject] | None = None
    tool_choice: str | JsonObject | None = None
    parallel_tool_calls: bool | None = None
    metadata: dict[str, str] | None = None


class MessagesRequest(msgspec.Struct, kw_only=True):
    messages: list[Message]
    model: str | None = None
    max_tokens: int | None = None
    system: str | list[JsonObject] | None = None
    stop_sequences: list[str] | None = None
    stream: bool | None = None
    temperature: float | None = None
    tools: list[JsonObject] | None = None
    tool_choice: JsonObject | None = None


class EmbeddingRequest(msgspec.Struct, kw_only=True):
    input: str | list[str | int | list[int]]
    model: str | None = None
    dimensions: int | None = None
    encoding_format: str | None = None


class RerankRequest(msgspec.Struct, kw_only=True):
    query: str
    documents: list[str | JsonObject]
    model: str | None = None
    top_n: int | None = None


class ScoreRequest(msgspec.Struct, kw_only=True):
    model: str | None = None
    text_1: str | list[str] | None = None
    text_2: str | list[str] | None = None
    queries: str | list[str] | None = None
    documents: str | list[str] | None = None


class TokenizeRequest(msgspec.Struct, kw_only=True):
    model: str | None = None
    prompt: str | None = None
    messages: list[Message] | None = None
    tools: list[JsonObject] | None = None
    add_generation_prompt: bool = True
    continue_final_message: bool = False


class DetokenizeRequest(msgspec.Struct, kw_only=True):
    tokens: list[int]
    model: str | None = None


def read(body: bytes, kind: type[T]) -> T:
    """Parse a body, or refuse it as vLLM does: 400 for what is no JSON and for what has the wrong types."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal(400, str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, f"JSON decode error: {error}") from error
