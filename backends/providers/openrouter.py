"""OpenRouter: a router to other providers."""

from backends.providers.adapters import TEXT_FAMILIES, openai_api
from backends.providers.provider import LiteLlm, Provider
from backends.serving.capabilities import ALL

OPENROUTER = Provider(
    name="openrouter",
    make=openai_api,
    families=TEXT_FAMILIES,
    features=ALL,
    base_url="https://openrouter.ai/api/v1",
    prices="openrouter",
    litellm=LiteLlm(prefixes=("openrouter",), key_variable="OPENROUTER_API_KEY"),
    note="an error's `code` is a number; comments keep a stream alive",
)
