"""llama.cpp's server: engines of the user's."""

from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import Provider

LLAMA_CPP = Provider(
    name="llama_cpp",
    make=openai_api,
    families=TEXT_FAMILIES | {"rerank"},
    features=OPENAI_FEATURES - {"documents", "service_tier"},
    address="endpoints",
    health="/health",
    note="503 while the model loads",
)
