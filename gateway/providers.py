"""Providers. Rule: a deployment's adapter is made here by its provider: what it answers itself, who translates."""

from collections.abc import Callable, Mapping
from hashlib import sha256

from backends.adapter import Adapter
from backends.anthropic import Anthropic, AnthropicKey
from backends.bearer import Bearer
from backends.by_family import ByFamily
from backends.capabilities import PROVIDERS
from backends.chat.dialect import Chat
from backends.credentials import Credentials, Fixed, Refreshed
from backends.dialect import Dialect
from backends.doors import DOORS
from backends.families import ALL_FAMILIES, OPENAI_FAMILIES, VLLM_FAMILIES
from backends.google.account import read_account
from backends.google.dialect import Google
from backends.openai import OpenAI
from backends.place import Place
from backends.signed import Signed
from backends.translated import Translated
from backends.translated_embeddings import TranslatedEmbeddings
from gateway import clock
from gateway.config.deployment import Deployment
from gateway.keyring import Keyring

_ASKED_FOR = frozenset({"messages", "count_tokens", "responses"})  # few compatible servers speak these themselves
#: Provider -> the endpoint families it answers itself; the doors among the others are translated for it.
NATIVE: Mapping[str, frozenset[str]] = {
    "vllm": VLLM_FAMILIES,
    "embedded": VLLM_FAMILIES,
    "openai": OPENAI_FAMILIES,
    "openai_compatible": ALL_FAMILIES - _ASKED_FOR,
    "anthropic": frozenset({"messages", "count_tokens"}),
    "gemini": frozenset(),
    "vertex": frozenset(),
}
#: Providers whose embeddings are translated.
_EMBEDDERS = frozenset({"gemini", "vertex"})
_V1_IN_ROOT = frozenset({"openai", "openai_compatible"})


def native(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that the upstream answers itself."""
    return NATIVE[deployment.provider] | frozenset(deployment.native)


def families(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that are served."""
    embeddings = frozenset({"embeddings"}) if deployment.provider in _EMBEDDERS else frozenset()
    return native(deployment) | DOORS.keys() | embeddings


def features(deployment: Deployment) -> frozenset[str]:
    """What the deployment can be asked for, in the words of backends/capabilities.py."""
    return PROVIDERS[deployment.provider]


def adapter(deployment: Deployment, root: str, keyring: Keyring) -> Adapter:
    """What speaks to one endpoint of a checked deployment; credentials that expire are the keyring's."""
    return _MAKERS.get(deployment.provider, _openai)(deployment, root, keyring)


def with_doors(deployment: Deployment, itself: Adapter, place: Place, dialect: Dialect) -> Adapter:
    """An upstream that answers some families itself, with the other doors translated into its dialect."""
    spoken = native(deployment)
    foreign = DOORS.keys() - spoken
    if not foreign:
        return itself
    drop = deployment.unsupported == "drop"
    translated = Translated(place, deployment.model, dialect, clock.wall, drop=drop)
    return ByFamily({**dict.fromkeys(spoken, itself), **dict.fromkeys(foreign, translated)})


def headers(deployment: Deployment) -> dict[str, str]:
    """The configured headers, in the clear."""
    return {name: secret.reveal() for name, secret in deployment.headers.items()}


def _openai(deployment: Deployment, root: str, keyring: Keyring) -> Adapter:
    lines = headers(deployment)
    if deployment.api_key:
        lines = {"authorization": f"Bearer {deployment.api_key.reveal()}", **lines}
    v1_in_root = deployment.provider in _V1_IN_ROOT
    itself = OpenAI(root, deployment.model, lines, v1_in_root=v1_in_root)
    target = b"/chat/completions" if v1_in_root else b"/v1/chat/completions"
    return with_doors(deployment, itself, Place(root, Fixed(), lines), Chat(target))


def _anthropic(deployment: Deployment, root: str, keyring: Keyring) -> Adapter:
    key: Credentials = AnthropicKey(deployment.api_key.reveal() if deployment.api_key else "")
    lines = headers(deployment)
    itself = Signed(OpenAI(root, deployment.model, lines, v1_in_root=True), key)
    return with_doors(deployment, itself, Place(root, key, lines), Anthropic())


def _gemini(deployment: Deployment, root: str, keyring: Keyring) -> Adapter:
    return _google(deployment, Place(root, _google_key(deployment), headers(deployment)), Google())


def _vertex(deployment: Deployment, root: str, keyring: Keyring) -> Adapter:
    if deployment.credentials is None:
        return _google(deployment, Place(root, _google_key(deployment), headers(deployment)), Google(vertex=True))
    account = deployment.credentials.reveal()
    key = keyring.credential(f"google:{sha256(account.encode()).hexdigest()}", lambda: google_token(account))
    resource = f"projects/{deployment.project}/locations/{deployment.region}"
    return _google(deployment, Place(root, key, headers(deployment)), Google(resource, vertex=True))


def _google_key(deployment: Deployment) -> Credentials:
    return Fixed(x_goog_api_key=deployment.api_key.reveal()) if deployment.api_key else Fixed()


def google_token(account: str) -> Refreshed:
    """The credential of a Google account."""
    from backends.google.grants import grant  # needs `cryptography`, which only Vertex AI does

    read = read_account(account)
    return Bearer(grant(read), f"Google for {read.client_email or read.type}", clock.wall)


def _google(deployment: Deployment, place: Place, dialect: Google) -> Adapter:
    drop = deployment.unsupported == "drop"
    translated = Translated(place, deployment.model, dialect, clock.wall, drop=drop)
    embeddings = TranslatedEmbeddings(place, deployment.model, dialect, drop=drop)
    return ByFamily({**dict.fromkeys(DOORS, translated), "embeddings": embeddings})


_MAKERS: Mapping[str, Callable[[Deployment, str, Keyring], Adapter]] = {
    "anthropic": _anthropic,
    "gemini": _gemini,
    "vertex": _vertex,
}
