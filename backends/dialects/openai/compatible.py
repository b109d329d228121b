"""OpenAI-compatible providers and their differences, one row each.

A field that a provider answers with 400, or passes over in silence, is refused here by name (or, with
`unsupported: drop`, left out and named); one that it calls otherwise is renamed; one it does unasked is left out.
Everything else passes as it came.
"""

from collections.abc import Mapping

import msgspec

_TEXT = frozenset({"chat", "completions", "embeddings"})
_CHAT = frozenset({"chat"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One provider.

    ``base_url``: its public address (``{…}`` is filled in by the configuration); empty: the deployment must say.
    ``families``: the endpoint families it answers. ``lacks``: features (of serving/capabilities.py) that no model there
    has. ``rejects``, ``renames`` (old to new) and ``implied``: fields of chat and completions, as above. ``health``: it
    is an engine of one's own, at roots without /v1, that answers 200 at this path when it can serve. ``metered``: it
    sends rate-limit headers. ``note``: what else to know, for the documentation.
    """

    base_url: str = ""
    families: frozenset[str]
    lacks: frozenset[str] = frozenset()
    rejects: tuple[str, ...] = ()
    renames: Mapping[str, str] = {}
    implied: tuple[str, ...] = ()
    health: str = ""
    metered: bool = False
    note: str = ""

    @property
    def plain(self) -> bool:
        """Whether every body passes as it came."""
        return not (self.rejects or self.renames or self.implied)


ROWS: Mapping[str, Row] = {
    "groq": Row(
        base_url="https://api.groq.com/openai/v1",
        families=frozenset({"chat", "responses", "speech", "transcriptions", "translations"}),
        lacks=frozenset({"documents", "audio", "logprobs"}),
        rejects=("logprobs", "top_logprobs", "logit_bias"),
        metered=True,
        note="reasoning in `reasoning`; the request limit is a day's, the token limit a minute's",
    ),
    "together": Row(
        base_url="https://api.together.ai/v1",
        families=_TEXT | {"images", "speech", "transcriptions", "rerank"},
        lacks=frozenset({"documents", "audio"}),
        metered=True,
        note="429 above your own rate, 503 below it",
    ),
    "fireworks": Row(
        base_url="https://api.fireworks.ai/inference/v1",
        families=_TEXT | {"rerank"},
        lacks=frozenset({"documents", "audio"}),
        metered=True,
        note="model names like `accounts/fireworks/models/…`; 412: the account is suspended",
    ),
    "cerebras": Row(
        base_url="https://api.cerebras.ai/v1",
        families=frozenset({"chat", "completions"}),
        lacks=frozenset({"images", "documents", "audio", "penalties", "service_tier"}),
        rejects=("frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier"),
        metered=True,
        note="its quota counts `max_completion_tokens` before they are used",
    ),
    "baseten": Row(
        base_url="https://inference.baseten.co/v1",
        families=_TEXT,
        lacks=frozenset({"documents", "audio"}),
        metered=True,
        note="a dedicated deployment has a `base_url` of its own",
    ),
    "openrouter": Row(
        base_url="https://openrouter.ai/api/v1",
        families=_TEXT,
        note="an error's `code` is a number; comments keep a stream alive",
    ),
    "mistral": Row(
        base_url="https://api.mistral.ai/v1",
        families=frozenset({"chat", "embeddings", "moderations", "transcriptions"}),
        lacks=frozenset({"documents", "audio", "logprobs", "service_tier"}),
        rejects=("logprobs", "top_logprobs", "logit_bias", "service_tier", "store", "user"),
        renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
        implied=("stream_options",),
        metered=True,
        note="every stream ends with its usage",
    ),
    "deepseek": Row(
        base_url="https://api.deepseek.com/v1",
        families=_CHAT,
        lacks=frozenset({"images", "documents", "audio", "json_schema", "seed", "n", "service_tier"}),
        rejects=("seed", "n"),
        note="reasoning in `reasoning_content`; JSON without a schema only",
    ),
    "xai": Row(
        base_url="https://api.x.ai/v1",
        families=frozenset({"chat", "completions", "embeddings", "images", "responses"}),
        lacks=frozenset({"documents", "audio"}),
        metered=True,
        note="reasoning in `reasoning_content`",
    ),
    "bedrock_openai": Row(
        base_url="https://bedrock-runtime.{region}.amazonaws.com/openai/v1",
        families=_CHAT,
        lacks=frozenset({"images", "documents", "audio", "logprobs", "n"}),
        rejects=("n", "logprobs", "top_logprobs"),
        note="AWS credentials as for `bedrock`; OpenAI's open-weight models only, Converse has the others",
    ),
    "vertex_openai": Row(
        base_url="{root}/projects/{project}/locations/{region}/endpoints/openapi",
        families=_CHAT,
        lacks=frozenset({"documents", "audio"}),
        rejects=("logit_bias",),
        note="Google credentials as for `vertex`; model names like `google/gemini-…`",
    ),
    "sglang": Row(
        families=_TEXT | {"rerank", "score"},
        lacks=frozenset({"documents", "audio", "service_tier"}),
        health="/health",
    ),
    "tensorrt_llm": Row(
        families=frozenset({"chat", "completions"}),
        lacks=frozenset({"documents", "audio", "service_tier"}),
        health="/health",
        note="served by `trtllm-serve`",
    ),
    "tgi": Row(
        families=frozenset({"chat", "completions"}),
        lacks=frozenset({"documents", "audio", "reasoning", "n", "service_tier"}),
        rejects=("n", "logit_bias"),
        health="/health",
    ),
    "llama_cpp": Row(
        families=_TEXT | {"rerank"},
        lacks=frozenset({"documents", "service_tier"}),
        health="/health",
        note="503 while the model loads",
    ),
    "ollama": Row(
        families=_TEXT,
        lacks=frozenset({"documents", "audio", "logprobs", "n", "service_tier"}),
        rejects=("logit_bias", "n"),
        health="/api/version",
    ),
    "lm_studio": Row(
        families=_TEXT,
        lacks=frozenset({"documents", "audio", "logprobs", "n", "service_tier"}),
        rejects=("n", "logprobs", "top_logprobs"),
        health="/v1/models",
    ),
}
