"""Azure OpenAI: OpenAI's models as deployments of a resource of the user's."""

from hashlib import sha256

import msgspec
from msgspec.structs import replace

from backends.auth.per_request_auth import Signed
from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, EntraApplication, Fixed, Refreshed
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.families import OPENAI_FAMILIES
from backends.dialects.openai.azure import Azure
from backends.providers.adapters import OPENAI_FEATURES, with_front_apis
from backends.providers.provider import AdapterDeps, Endpoint, LiteLlm, Provider


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    azure = Azure(endpoint.root, endpoint.model, endpoint.headers, endpoint.api_version)
    key = _credentials(endpoint, deps)
    place = EndpointAddress(endpoint.root, key, endpoint.headers)
    chat = azure.chat(azure.target("chat").removeprefix(place.prefix))
    return with_front_apis(endpoint, deps, Signed(azure, key), place, chat)


def _credentials(endpoint: Endpoint, deps: AdapterDeps) -> Credentials:
    """A key, or the tokens of an application."""
    entra = endpoint.entra
    if entra is None:
        return Fixed(api_key=endpoint.api_key)
    digest = sha256("\n".join(msgspec.structs.astuple(entra)).encode()).hexdigest()
    return deps.credential(f"entra:{digest}", lambda: _tokens(entra, deps))


def _tokens(entra: EntraApplication, deps: AdapterDeps) -> Refreshed:
    from backends.auth.entra import client_credentials  # asyncio
    from backends.auth.oauth_token import Bearer

    return Bearer(client_credentials(entra), f"Entra ID for {entra.client_id}", deps.wall)


def _variant(model: str, api_version: str) -> Provider:
    """The v1 API, which has no version, has responses too."""
    return AZURE if api_version else AZURE_V1


AZURE = Provider(
    name="azure",
    make=make,
    families=OPENAI_FAMILIES - {"moderations", "image_variations", "responses"},
    features=OPENAI_FEATURES,
    auth=("api_key", "entra"),
    auth_required=True,
    options=frozenset({"api_version"}),
    variant=_variant,
    metered=True,
    tiktoken=True,
    prices="azure",
    otel="azure.ai.openai",
    litellm=LiteLlm(
        prefixes=("azure",),
        routes=("o_series/", "gpt5_series/"),
        key_variable="AZURE_API_KEY",
        address_variable="AZURE_API_BASE",
    ),
)
AZURE_V1 = replace(AZURE, families=AZURE.families | {"responses"})
