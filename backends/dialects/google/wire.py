"""Google's reply shapes; a stream's chunk has the shape of the whole answer."""

import msgspec

from backends.contract.usage import Count
from policies.vocabulary.types import NO_USAGE, Usage

Raw = msgspec.Raw

_TIERS = {  # as OpenAI calls them
    "on_demand_flex": "flex", "on_demand_priority": "priority", "on_demand": "default", "flex": "flex",
    "priority": "priority", "standard": "default",
}  # fmt: skip


class _Wire(msgspec.Struct, rename="camel", gc=False):
    pass


class PartialArg(_Wire):
    """A piece of an argument: of a text, or a whole other value, at a JSON path."""

    json_path: str
    string_value: str | None = None
    number_value: float | int | None = None
    bool_value: bool | None = None


class FunctionCall(_Wire):
    name: str = ""
    args: Raw = Raw(b"{}")
    id: str = ""
    partial_args: list[PartialArg] | None = None
    will_continue: bool = False


class Part(_Wire):
    text: str | None = None
    thought: bool = False
    thought_signature: str = ""
    function_call: FunctionCall | None = None


class Content(_Wire):
    parts: list[Part] = []


class TopToken(_Wire):
    token: str = ""
    log_probability: float = 0.0


class TopCandidates(_Wire):
    candidates: list[TopToken] = []


class Logprobs(_Wire):
    chosen_candidates: list[TopToken] = []
    top_candidates: list[TopCandidates] = []

    def spelled(self) -> Raw:
        """As OpenAI's chat spells them."""
        tops = [top.candidates for top in self.top_candidates] or [[]] * len(self.chosen_candidates)
        content = [
            {**_token(chosen), "top_logprobs": [_token(one) for one in top]}
            for chosen, top in zip(self.chosen_candidates, tops, strict=False)
        ]
        return Raw(msgspec.json.encode({"content": content}))


def _token(one: TopToken) -> dict[str, object]:
    return {"token": one.token, "logprob": one.log_probability, "bytes": list(one.token.encode())}


class Candidate(_Wire):
    content: Content | None = None
    finish_reason: str = ""
    finish_message: str = ""
    index: int = 0
    logprobs_result: Logprobs | None = None


class Feedback(_Wire):
    block_reason: str = ""
    block_reason_message: str = ""


class Modality(_Wire):
    modality: str = ""
    token_count: Count = 0


class UsageMetadata(_Wire):
    prompt_token_count: Count | None = None
    candidates_token_count: Count = 0
    thoughts_token_count: Count = 0
    cached_content_token_count: Count = 0
    tool_use_prompt_token_count: Count = 0
    prompt_tokens_details: list[Modality] = []
    candidates_tokens_details: list[Modality] = []
    traffic_type: str = ""
    service_tier: str = ""

    def usage(self) -> Usage:
        """Thoughts are beside the candidates' tokens, cached tokens within the prompt's."""
        if self.prompt_token_count is None:  # Vertex tells of the traffic's type before it has counted
            return NO_USAGE
        return Usage(
            self.prompt_token_count + self.tool_use_prompt_token_count,
            self.candidates_token_count + self.thoughts_token_count,
            self.cached_content_token_count,
            "upstream",
            reasoning=self.thoughts_token_count,
            audio_prompt=_audio(self.prompt_tokens_details),
            audio_completion=_audio(self.candidates_tokens_details),
        )

    def tier(self) -> str:
        return _TIERS.get((self.service_tier or self.traffic_type).lower(), "")


def _audio(details: list[Modality]) -> int:
    return sum(one.token_count for one in details if one.modality == "AUDIO")


class Reply(_Wire):
    candidates: list[Candidate] = []
    prompt_feedback: Feedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str = ""
    response_id: str = ""
    error: Raw = Raw(b"")


_decode = msgspec.json.Decoder(Reply).decode
_decode_many = msgspec.json.Decoder(list[Reply]).decode


def read(data: bytes) -> Reply:
    """One answer or chunk.

    Raises:
        msgspec.DecodeError: not one.
    """
    return _decode(data)


def read_many(data: bytes) -> list[Reply]:
    """A whole answer: one object, or the chunks of a stream as a JSON array.

    Raises:
        msgspec.DecodeError: neither.
    """
    return _decode_many(data) if data.lstrip().startswith(b"[") else [_decode(data)]
