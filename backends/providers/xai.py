"""xAI."""

from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

XAI = Provider(
    name="xai",
    make=openai_api,
    families=frozenset({"chat", "completions", "embeddings", "images", "responses"}),
    features=OPENAI_FEATURES - {"documents", "audio"},
    base_url="https://api.x.ai/v1",
    metered=True,
    prices="x-ai",
    otel="x_ai",
    litellm=LiteLlm(prefixes=("xai",), key_variable="XAI_API_KEY"),
    note="reasoning in `reasoning_content`",
)
