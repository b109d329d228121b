"""vLLM: engines of the user's, whose load, cache and ways to continue a text are known."""

from backends.contract.families import VLLM_FAMILIES
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import LiteLlm, Provider

VLLM = Provider(
    name="vllm",
    make=openai_api,
    families=VLLM_FAMILIES,
    features=OPENAI_FEATURES,
    address="endpoints",
    options=frozenset({"kv_events"}),
    health="/health",
    metrics="/metrics",
    continues=True,
    litellm=LiteLlm(prefixes=("hosted_vllm",)),
)
