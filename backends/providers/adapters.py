"""What providers make their adapters of: an upstream that speaks OpenAI's API, and translation in front of one."""

from typing import Protocol

from backends.auth.per_request_auth import Signed
from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, Fixed
from backends.contract.dialect import Dialect
from backends.contract.endpoint_address import EndpointAddress
from backends.dialects.openai.chat.dialect import Chat
from backends.dialects.openai.openai import OpenAI
from backends.dialects.openai.variants import Adapted, AdaptedChat
from backends.providers.provider import AdapterDeps, Endpoint, Provider
from backends.serving.capabilities import ALL
from backends.serving.client_apis import TRANSLATED
from backends.serving.family_router import ByFamily
from backends.serving.translated import Translated
from backends.serving.translated_embeddings import Embedder, TranslatedEmbeddings

TEXT_FAMILIES = frozenset({"chat", "completions", "embeddings"})
OPENAI_FEATURES = ALL - {"cache_markers"}


class WholeDialect(Dialect, Embedder, Protocol):
    """A dialect of conversations and of embeddings."""


def openai_api(
    provider: Provider,
    endpoint: Endpoint,
    deps: AdapterDeps,
    credentials: Credentials | None = None,
    limit: str = "max_tokens",
) -> Adapter:
    """An upstream that speaks OpenAI's API. ``credentials``: where they are more than a key that does not change.

    ``limit``: its name for the most tokens of an answer.
    """
    lines = dict(endpoint.headers)
    if credentials is None and endpoint.api_key:
        lines = {"authorization": f"Bearer {endpoint.api_key}", **lines}
    v1_in_root = not provider.self_hosted
    itself = OpenAI(endpoint.root, endpoint.model, lines, v1_in_root=v1_in_root, steering=endpoint.steering)
    target = b"/chat/completions" if v1_in_root else b"/v1/chat/completions"
    adapter: Adapter = itself
    chat = Chat(target, limit)
    if provider.fields.differ:
        adapter = Adapted(itself, provider.fields, endpoint.model, drop=endpoint.drop)
        chat = AdaptedChat(target, provider.fields)
    if credentials is not None:
        adapter = Signed(adapter, credentials)
    place = EndpointAddress(endpoint.root, credentials or Fixed(), lines)
    return with_front_apis(endpoint, deps, adapter, place, chat)


def with_front_apis(
    endpoint: Endpoint, deps: AdapterDeps, itself: Adapter, place: EndpointAddress, dialect: Dialect
) -> Adapter:
    """An upstream that answers some families itself, with the other front APIs translated into its dialect."""
    foreign = TRANSLATED.keys() - endpoint.native
    if not foreign:
        return itself
    translated = Translated(place, endpoint.model, dialect, deps.wall, drop=endpoint.drop)
    return ByFamily({**dict.fromkeys(endpoint.native, itself), **dict.fromkeys(foreign, translated)})


def translated(endpoint: Endpoint, deps: AdapterDeps, place: EndpointAddress, dialect: WholeDialect) -> Adapter:
    """An upstream that has no dialect but its own."""
    chat = Translated(place, endpoint.model, dialect, deps.wall, drop=endpoint.drop)
    vectors = TranslatedEmbeddings(place, endpoint.model, dialect, drop=endpoint.drop)
    return ByFamily({**dict.fromkeys(TRANSLATED, chat), "embeddings": vectors})
