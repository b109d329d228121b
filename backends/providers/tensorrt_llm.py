"""NVIDIA's TensorRT-LLM: engines of the user's."""

from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import Provider

TENSORRT_LLM = Provider(
    name="tensorrt_llm",
    make=openai_api,
    families=frozenset({"chat", "completions"}),
    features=OPENAI_FEATURES - {"documents", "audio", "service_tier"},
    address="endpoints",
    health="/health",
    note="served by `trtllm-serve`",
)
