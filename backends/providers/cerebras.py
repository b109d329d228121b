"""Cerebras: open-weight models on its own chips."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

CEREBRAS = Provider(
    name="cerebras",
    make=openai_api,
    families=frozenset({"chat", "completions"}),
    features=OPENAI_FEATURES - {"images", "documents", "audio", "penalties", "service_tier"},
    fields=FieldRules(
        rejects=("frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier")
    ),
    base_url="https://api.cerebras.ai/v1",
    metered=True,
    prices="cerebras",
    litellm=LiteLlm(prefixes=("cerebras",), key_variable="CEREBRAS_API_KEY"),
    note="its quota counts `max_completion_tokens` before they are used",
)
