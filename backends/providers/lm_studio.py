"""LM Studio: engines of the user's."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider

LM_STUDIO = Provider(
    name="lm_studio",
    make=openai_api,
    families=TEXT_FAMILIES,
    features=OPENAI_FEATURES - {"documents", "audio", "logprobs", "n", "service_tier"},
    fields=FieldRules(rejects=("n", "logprobs", "top_logprobs")),
    address="endpoints",
    health="/v1/models",
    litellm=LiteLlm(prefixes=("lm_studio",)),
)
