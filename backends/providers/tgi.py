"""Hugging Face's Text Generation Inference: engines of the user's."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

TGI = Provider(
    name="tgi",
    make=openai_api,
    families=frozenset({"chat", "completions"}),
    features=OPENAI_FEATURES - {"documents", "audio", "reasoning", "n", "service_tier"},
    fields=FieldRules(rejects=("n", "logit_bias")),
    address="endpoints",
    health="/health",
    litellm=LiteLlm(prefixes=("huggingface",)),
)
