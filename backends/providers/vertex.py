"""Vertex AI: Google's models and Claude, in a project of Google Cloud."""

from hashlib import sha256

from msgspec.structs import replace

from backends.auth.google_account import read_account
from backends.auth.per_request_auth import Signed
from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, Refreshed
from backends.contract.endpoint_address import EndpointAddress
from backends.dialects.google.claude import Claude, ClaudeItself, is_claude
from backends.dialects.google.dialect import Google
from backends.providers.adapters import OPENAI_FEATURES, translated, with_front_apis
from backends.providers.anthropic import ANTHROPIC
from backends.providers.gemini import api_key
from backends.providers.provider import AdapterDeps, Endpoint, LiteLlm, Provider


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    place = EndpointAddress(endpoint.root, credentials(endpoint, deps), endpoint.headers)
    return translated(endpoint, deps, place, Google(_resource(endpoint), vertex=True))


def make_claude(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    place = EndpointAddress(endpoint.root, credentials(endpoint, deps), endpoint.headers)
    resource = _resource(endpoint)
    itself = Signed(ClaudeItself(endpoint.root, resource, endpoint.model, endpoint.headers), place.credentials)
    return with_front_apis(endpoint, deps, itself, place, Claude(resource))


def credentials(endpoint: Endpoint, deps: AdapterDeps) -> Credentials:
    """A Google account's tokens, or a key."""
    account = endpoint.google_account
    if not account:
        return api_key(endpoint)
    return deps.credential(f"google:{sha256(account.encode()).hexdigest()}", lambda: _tokens(account, deps))


def _tokens(account: str, deps: AdapterDeps) -> Refreshed:
    from backends.auth.google_grants import grant  # cryptography
    from backends.auth.oauth_token import Bearer

    read = read_account(account)
    return Bearer(grant(read), f"Google for {read.client_email or read.type}", deps.wall)


def _resource(endpoint: Endpoint) -> str:
    """What stands before a model in paths; an API key belongs to a project already, and names none."""
    return f"projects/{endpoint.project}/locations/{endpoint.region}" if endpoint.google_account else ""


def _variant(model: str, api_version: str) -> Provider:
    """Claude keeps Anthropic's API on Vertex AI."""
    return CLAUDE_ON_VERTEX if is_claude(model) else VERTEX


VERTEX = Provider(
    name="vertex",
    make=make,
    families=frozenset(),
    translated=frozenset({"embeddings"}),
    features=OPENAI_FEATURES,
    base_url="{root}",
    auth=("api_key", "credentials"),
    options=frozenset({"region", "project"}),
    variant=_variant,
    prices="google",
    otel="gcp.vertex_ai",
    litellm=LiteLlm(prefixes=("vertex_ai",), bare="gemini-"),
)
CLAUDE_ON_VERTEX = replace(
    VERTEX, make=make_claude, families=ANTHROPIC.families, translated=frozenset(), features=ANTHROPIC.features
)
