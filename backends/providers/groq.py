"""Groq: open-weight models on its own chips."""

from backends.dialects.openai.field_rules import FieldRules
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

GROQ = Provider(
    name="groq",
    make=openai_api,
    families=frozenset({"chat", "responses", "speech", "transcriptions", "translations"}),
    features=OPENAI_FEATURES - {"documents", "audio", "logprobs"},
    fields=FieldRules(rejects=("logprobs", "top_logprobs", "logit_bias")),
    base_url="https://api.groq.com/openai/v1",
    metered=True,
    prices="groq",
    litellm=LiteLlm(prefixes=("groq",), key_variable="GROQ_API_KEY"),
    note="reasoning in `reasoning`; the request limit is a day's, the token limit a minute's",
)
