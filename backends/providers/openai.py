"""OpenAI itself."""

from functools import partial

from backends.contract.families import OPENAI_FAMILIES
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

OPENAI = Provider(
    name="openai",
    make=partial(openai_api, limit="max_completion_tokens"),
    families=OPENAI_FAMILIES,
    features=OPENAI_FEATURES,
    base_url="https://api.openai.com/v1",
    metered=True,
    tiktoken=True,
    prices="openai",
    litellm=LiteLlm(
        prefixes=("openai", "text-completion-openai"),
        bare=r"(gpt-|chatgpt-|o\d|text-|whisper-|tts-|dall-e|omni-|ft:)",
        key_variable="OPENAI_API_KEY",
    ),
)
