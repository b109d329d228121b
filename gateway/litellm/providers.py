"""LiteLLM's provider prefixes and the providers they stand for here."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct


class Known(Struct, frozen=True):
    """``key``: the variable that LiteLLM takes the credential from; ``engine``: it is reached at roots."""

    provider: str
    key: str = ""
    engine: bool = False


PREFIXES: Mapping[str, Known] = MappingProxyType(
    {
        "openai": Known("openai", "OPENAI_API_KEY"),
        "text-completion-openai": Known("openai", "OPENAI_API_KEY"),
        "azure": Known("azure", "AZURE_API_KEY"),
        "anthropic": Known("anthropic", "ANTHROPIC_API_KEY"),
        "bedrock": Known("bedrock"),
        "vertex_ai": Known("vertex"),
        "gemini": Known("gemini", "GEMINI_API_KEY"),
        "groq": Known("groq", "GROQ_API_KEY"),
        "together_ai": Known("together", "TOGETHERAI_API_KEY"),
        "fireworks_ai": Known("fireworks", "FIREWORKS_AI_API_KEY"),
        "cerebras": Known("cerebras", "CEREBRAS_API_KEY"),
        "baseten": Known("baseten", "BASETEN_API_KEY"),
        "openrouter": Known("openrouter", "OPENROUTER_API_KEY"),
        "mistral": Known("mistral", "MISTRAL_API_KEY"),
        "deepseek": Known("deepseek", "DEEPSEEK_API_KEY"),
        "xai": Known("xai", "XAI_API_KEY"),
        "hosted_vllm": Known("vllm", engine=True),
        "ollama": Known("ollama", engine=True),
        "ollama_chat": Known("ollama", engine=True),
        "lm_studio": Known("lm_studio", engine=True),
        "huggingface": Known("tgi", engine=True),
    }
)
#: Routes within a provider, which say nothing here.
INNER = MappingProxyType({"bedrock": ("converse/", "invoke/"), "azure": ("o_series/", "gpt5_series/")})
BARE = (  # names without a prefix that LiteLLM knows
    (re.compile(r"^claude-"), "anthropic"),
    (re.compile(r"^gemini-"), "vertex_ai"),
    (re.compile(r"^(gpt-|chatgpt-|o\d|text-|whisper-|tts-|dall-e|omni-|ft:)"), "openai"),
)


def known(model: str) -> tuple[Known, str] | None:
    """Who serves LiteLLM's ``model``, and by what name it is known there; None: nobody who has a place here."""
    prefix, slash, rest = model.partition("/")
    if not slash:
        prefix, rest = next((name for pattern, name in BARE if pattern.match(model)), ""), model
    found = PREFIXES.get(prefix)
    if found is None:
        return None
    for inner in INNER.get(prefix, ()):
        rest = rest.removeprefix(inner)
    return found, rest
