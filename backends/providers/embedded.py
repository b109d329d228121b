"""The embedded engine: started in this process, it behaves as vLLM does, and its text is made up."""

from msgspec.structs import replace

from backends.providers.provider import LiteLlm
from backends.providers.vllm import VLLM

EMBEDDED = replace(
    VLLM, name="embedded", address="replicas", auth=(), options=frozenset(), litellm=LiteLlm(prefixes=())
)
