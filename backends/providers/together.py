"""Together AI: open-weight models."""

from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider

TOGETHER = Provider(
    name="together",
    make=openai_api,
    families=TEXT_FAMILIES | {"images", "speech", "transcriptions", "rerank"},
    features=OPENAI_FEATURES - {"documents", "audio"},
    base_url="https://api.together.ai/v1",
    metered=True,
    prices="together",
    otel="together_ai",
    litellm=LiteLlm(prefixes=("together_ai",), key_variable="TOGETHERAI_API_KEY"),
    note="429 above your own rate, 503 below it",
)
