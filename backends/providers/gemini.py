"""The Gemini API: Google's models, with a key of Google AI Studio."""

from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, Fixed
from backends.contract.endpoint_address import EndpointAddress
from backends.dialects.google.dialect import Google
from backends.providers.adapters import OPENAI_FEATURES, translated
from backends.providers.provider import AdapterDeps, Endpoint, LiteLlm, Provider


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    return translated(endpoint, deps, EndpointAddress(endpoint.root, api_key(endpoint), endpoint.headers), Google())


def api_key(endpoint: Endpoint) -> Credentials:
    """A key of Google's, where there is one."""
    return Fixed(x_goog_api_key=endpoint.api_key) if endpoint.api_key else Fixed()


GEMINI = Provider(
    name="gemini",
    make=make,
    families=frozenset(),
    translated=frozenset({"embeddings"}),
    features=OPENAI_FEATURES,
    base_url="https://generativelanguage.googleapis.com/v1beta",
    auth_required=True,
    prices="google",
    otel="gcp.gemini",
    litellm=LiteLlm(prefixes=("gemini",), key_variable="GEMINI_API_KEY"),
)
