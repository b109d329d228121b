"""SGLang: engines of the user's."""

from backends.providers.adapters import OPENAI_FEATURES, TEXT_FAMILIES, openai_api
from backends.providers.provider import Provider

SGLANG = Provider(
    name="sglang",
    make=openai_api,
    families=TEXT_FAMILIES | {"rerank", "score"},
    features=OPENAI_FEATURES - {"documents", "audio", "service_tier"},
    address="endpoints",
    health="/health",
)
