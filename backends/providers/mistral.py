"""Mistral AI."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

MISTRAL = Provider(
    name="mistral",
    make=openai_api,
    families=frozenset({"chat", "embeddings", "moderations", "transcriptions"}),
    features=OPENAI_FEATURES - {"documents", "audio", "logprobs", "service_tier"},
    fields=FieldRules(
        rejects=("logprobs", "top_logprobs", "logit_bias", "service_tier", "store", "user"),
        renames={"max_completion_tokens": "max_tokens", "seed": "random_seed"},
        implied=("stream_options",),
    ),
    base_url="https://api.mistral.ai/v1",
    metered=True,
    prices="mistral",
    otel="mistral_ai",
    litellm=LiteLlm(prefixes=("mistral",), key_variable="MISTRAL_API_KEY"),
    note="every stream ends with its usage",
)
