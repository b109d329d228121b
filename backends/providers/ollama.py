"""Ollama: engines of the user's."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider

OLLAMA = Provider(
    name="ollama",
    make=openai_api,
    families=TEXT_FAMILIES,
    features=OPENAI_FEATURES - {"documents", "audio", "logprobs", "n", "service_tier"},
    fields=FieldRules(rejects=("logit_bias", "n")),
    address="endpoints",
    health="/api/version",
    litellm=LiteLlm(prefixes=("ollama", "ollama_chat")),
)
