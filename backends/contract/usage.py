"""Token usage, from every provider's way of reporting it. What is not reported is not invented."""

from typing import Annotated

import msgspec

from policies.vocabulary.types import NO_USAGE, Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]  # beyond it nobody has counted, and no ledger can hold it


class _Details(msgspec.Struct, gc=False):
    """What the total is made of."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    thinking_tokens: Count | None = None
    audio_tokens: Count | None = None


class _Written(msgspec.Struct, gc=False):
    ephemeral_1h_input_tokens: Count | None = None


class Counted(msgspec.Struct, gc=False):
    """A ``usage`` object as OpenAI's chat, OpenAI's responses or Anthropic's messages spell it."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_creation: _Written | None = None

    def usage(self) -> Usage:
        if self.prompt_tokens is not None:
            said, heard = self.prompt_tokens_details, self.completion_tokens_details
            if said is None and heard is None:
                return Usage(self.prompt_tokens, self.completion_tokens or 0, 0, "upstream")
            return _openai(self.prompt_tokens, self.completion_tokens or 0, said, heard, self.total_tokens)
        if self.input_tokens is None and self.output_tokens is None:  # a reranker's total; a transcription's seconds
            return NO_USAGE if self.total_tokens is None else Usage(self.total_tokens, 0, 0, "upstream")
        if self.cache_read_input_tokens is None and self.cache_creation_input_tokens is None:
            said, heard = self.input_tokens_details, self.output_tokens_details
            return _openai(self.input_tokens or 0, self.output_tokens or 0, said, heard, self.total_tokens)
        return self._anthropic()

    def _anthropic(self) -> Usage:
        """Anthropic counts cached tokens beside input_tokens, OpenAI within."""
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        hour = (self.cache_creation.ephemeral_1h_input_tokens if self.cache_creation else None) or 0
        thinking = (self.output_tokens_details.thinking_tokens if self.output_tokens_details else None) or 0
        prompt = (self.input_tokens or 0) + read + written
        return Usage(
            prompt=prompt,
            completion=self.output_tokens or 0,
            cached=read,
            source="upstream",
            cache_write=written,
            cache_write_1h=hour,
            reasoning=thinking,
        )


def _openai(prompt: int, completion: int, said: _Details | None, heard: _Details | None, total: int | None) -> Usage:
    said, heard = said or _NO_DETAILS, heard or _NO_DETAILS
    reasoning = heard.reasoning_tokens or heard.thinking_tokens or 0
    if reasoning and total == prompt + completion + reasoning:
        completion += reasoning  # xAI counts it beside the answer's tokens, others within
    return Usage(
        prompt=prompt,
        completion=completion,
        cached=said.cached_tokens or 0,
        source="upstream",
        cache_write=said.cache_write_tokens or 0,
        cache_write_1h=0,
        reasoning=reasoning,
        audio_prompt=said.audio_tokens or 0,
        audio_completion=heard.audio_tokens or 0,
    )


_NO_DETAILS = _Details()


class _Body(msgspec.Struct, gc=False):
    usage: Counted | None = None
    error: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Body).decode
_NO_ERROR = (b"", b"null", b'""')


def of_body(body: bytes) -> tuple[Usage, bytes | None]:
    """The usage of a whole JSON answer, and its ``error`` (raw JSON) where it holds one in place of an answer.

    Raises:
        ValueError: the body is not a JSON object.
    """
    try:
        try:
            decoded = _decode(body)
        except msgspec.ValidationError:
            return _lenient(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    error_json = bytes(decoded.error)
    return (decoded.usage.usage() if decoded.usage else NO_USAGE), None if error_json in _NO_ERROR else error_json


def _lenient(body: bytes) -> tuple[Usage, bytes | None]:
    """An answer whose ``usage`` has another shape: its other fields still count."""
    value = msgspec.json.decode(body)
    if not isinstance(value, dict | list | str):
        raise ValueError("not a JSON object")
    error = value.get("error") if isinstance(value, dict) else None
    return NO_USAGE, msgspec.json.encode(error) if error else None
