"""Fireworks AI: open-weight models."""

from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider

FIREWORKS = Provider(
    name="fireworks",
    make=openai_api,
    families=TEXT_FAMILIES | {"rerank"},
    features=OPENAI_FEATURES - {"documents", "audio"},
    base_url="https://api.fireworks.ai/inference/v1",
    metered=True,
    prices="fireworks",
    otel="fireworks_ai",
    litellm=LiteLlm(prefixes=("fireworks_ai",), key_variable="FIREWORKS_AI_API_KEY"),
    note="model names like `accounts/fireworks/models/…`; 412: the account is suspended",
)
