"""Anthropic's own API."""

from backends.auth.per_request_auth import Signed
from backends.contract.adapter import Adapter
from backends.contract.endpoint_address import EndpointAddress
from backends.dialects.anthropic.anthropic import Anthropic, AnthropicKey
from backends.dialects.openai.openai import OpenAI
from backends.providers.adapters import with_front_apis
from backends.providers.provider import AdapterDeps, Endpoint, LiteLlm, Provider
from backends.serving.capabilities import ALL


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    key = AnthropicKey(endpoint.api_key)
    itself = Signed(OpenAI(endpoint.root, endpoint.model, endpoint.headers, v1_in_root=True), key)
    place = EndpointAddress(endpoint.root, key, endpoint.headers)
    return with_front_apis(endpoint, deps, itself, place, Anthropic())


ANTHROPIC = Provider(
    name="anthropic",
    make=make,
    families=frozenset({"messages", "count_tokens"}),
    features=ALL - {"audio", "seed", "penalties", "logprobs", "n"},
    base_url="https://api.anthropic.com/v1",
    metered=True,
    prices="anthropic",
    litellm=LiteLlm(prefixes=("anthropic",), bare="claude-", key_variable="ANTHROPIC_API_KEY"),
)
