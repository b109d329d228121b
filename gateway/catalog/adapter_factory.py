"""Providers. Rule: a deployment's adapter is made here by its provider: what it answers itself, who translates."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from backends.auth.entra import client_credentials
from backends.auth.google_account import read_account
from backends.auth.oauth_token import Bearer
from backends.auth.per_request_auth import Signed
from backends.contract.adapter import Adapter
from backends.contract.credentials import Credentials, Fixed, Missing, Refreshed
from backends.contract.dialect import Dialect
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.families import ALL_FAMILIES, OPENAI_FAMILIES, VLLM_FAMILIES
from backends.dialects.anthropic.anthropic import Anthropic, AnthropicKey
from backends.dialects.google.claude import Claude, ClaudeItself, is_claude
from backends.dialects.google.dialect import Google
from backends.dialects.openai.azure import AZURE_FAMILIES, Azure
from backends.dialects.openai.chat.dialect import Chat
from backends.dialects.openai.compatible import ROWS
from backends.dialects.openai.openai import OpenAI
from backends.dialects.openai.variants import Adapted, AdaptedChat
from backends.serving.capabilities import PROVIDERS
from backends.serving.client_apis import DOORS
from backends.serving.family_router import ByFamily
from backends.serving.translated import Translated
from backends.serving.translated_embeddings import TranslatedEmbeddings
from gateway import clock
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.config.deployment import ENGINES, Deployment

if TYPE_CHECKING:
    from backends.dialects.bedrock.dialect import Bedrock

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
    "bedrock": frozenset(),
    "azure": AZURE_FAMILIES,
    **{name: row.families for name, row in ROWS.items()},
}
#: Providers whose embeddings are translated.
_EMBEDDERS = frozenset({"gemini", "vertex", "bedrock"})
_V1_IN_ROOT = NATIVE.keys() - set(ENGINES) - {"embedded"}
#: Providers that fetch no URL of a request's media themselves.
UNFETCHING = frozenset({"bedrock"})
_METERED = frozenset({"openai", "openai_compatible", "azure", "anthropic"})


class AdapterDeps(msgspec.Struct, frozen=True):
    """What adapters share: the ``keyring`` of credentials that expire."""

    keyring: CredentialRefresher


def _spoken(deployment: Deployment) -> str:
    """The provider whose dialect is spoken: Claude keeps its own on Vertex AI."""
    claude = deployment.provider == "vertex" and is_claude(deployment.model)
    return "anthropic" if claude else deployment.provider


def native(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that the upstream answers itself."""
    responses = {"responses"} if deployment.provider == "azure" and not deployment.api_version else frozenset()
    return NATIVE[_spoken(deployment)] | frozenset(deployment.native) | responses


def families(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that are served."""
    embeddings = frozenset({"embeddings"}) if _spoken(deployment) in _EMBEDDERS else frozenset()
    return native(deployment).union(DOORS, embeddings)


def features(deployment: Deployment) -> frozenset[str]:
    """What the deployment can be asked for, in the words of backends/serving/capabilities.py."""
    return PROVIDERS[_spoken(deployment)] - frozenset(deployment.lacks)


def metered(deployment: Deployment) -> bool:
    """Whether its replies say what is left of its limits."""
    row = ROWS.get(deployment.provider)
    return row.metered if row is not None else deployment.provider in _METERED


def account(deployment: Deployment) -> str:
    """What tells its credential from others: the key, or the account's name."""
    if deployment.aws is not None:
        return deployment.aws.access_key_id.reveal()
    if deployment.entra is not None:
        return f"{deployment.entra.tenant}/{deployment.entra.client_id}"
    secret = deployment.api_key or deployment.credentials
    return secret.reveal() if secret is not None else ""


def adapter(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    """What speaks to one endpoint of a checked deployment."""
    return _MAKERS.get(deployment.provider, _openai)(deployment, root, means)


def with_doors(deployment: Deployment, itself: Adapter, place: EndpointAddress, dialect: Dialect) -> Adapter:
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


def _openai(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    lines = headers(deployment)
    if deployment.api_key:
        lines = {"authorization": f"Bearer {deployment.api_key.reveal()}", **lines}
    v1_in_root = deployment.provider in _V1_IN_ROOT
    itself = _by_row(
        deployment, OpenAI(root, deployment.model, lines, v1_in_root=v1_in_root, steering=deployment.steering)
    )
    target = b"/chat/completions" if v1_in_root else b"/v1/chat/completions"
    return with_doors(deployment, itself, EndpointAddress(root, Fixed(), lines), _chat(deployment, target))


def _chat(deployment: Deployment, target: bytes) -> Chat:
    """What the other doors of a compatible provider speak."""
    row = ROWS.get(deployment.provider)
    if row is not None and not row.plain:
        return AdaptedChat(target, row)
    return Chat(target, "max_completion_tokens" if deployment.provider == "openai" else "max_tokens")


def _by_row(deployment: Deployment, itself: OpenAI) -> Adapter:
    """The adapter with its provider's differences from OpenAI, where it has any."""
    row = ROWS.get(deployment.provider)
    if row is None or row.plain:
        return itself
    return Adapted(itself, row, deployment.model, drop=deployment.unsupported == "drop")


def _anthropic(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    key: Credentials = AnthropicKey(deployment.api_key.reveal() if deployment.api_key else "")
    lines = headers(deployment)
    itself = Signed(OpenAI(root, deployment.model, lines, v1_in_root=True), key)
    return with_doors(deployment, itself, EndpointAddress(root, key, lines), Anthropic())


def _gemini(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    return _translated(deployment, EndpointAddress(root, _google_key(deployment), headers(deployment)), Google())


def _vertex(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    place = EndpointAddress(root, _vertex_key(deployment, means), headers(deployment))
    # an API key belongs to a project already, and names none
    resource = f"projects/{deployment.project}/locations/{deployment.region}" if deployment.credentials else ""
    if is_claude(deployment.model):
        itself = Signed(ClaudeItself(root, resource, deployment.model, headers(deployment)), place.credentials)
        return with_doors(deployment, itself, place, Claude(resource))
    return _translated(deployment, place, Google(resource, vertex=True))


def _vertex_key(deployment: Deployment, means: AdapterDeps) -> Credentials:
    if deployment.credentials is None:
        return _google_key(deployment)
    account = deployment.credentials.reveal()
    return means.keyring.credential(f"google:{sha256(account.encode()).hexdigest()}", lambda: google_token(account))


def _google_key(deployment: Deployment) -> Credentials:
    return Fixed(x_goog_api_key=deployment.api_key.reveal()) if deployment.api_key else Fixed()


def google_token(account: str) -> Refreshed:
    """The credential of a Google account."""
    from backends.auth.google_grants import grant

    read = read_account(account)
    return Bearer(grant(read), f"Google for {read.client_email or read.type}", clock.wall)


def _translated(deployment: Deployment, place: EndpointAddress, dialect: "Google | Bedrock") -> Adapter:
    """A provider that has no dialect but its own, and embeddings too."""
    drop = deployment.unsupported == "drop"
    translated = Translated(place, deployment.model, dialect, clock.wall, drop=drop)
    embeddings = TranslatedEmbeddings(place, deployment.model, dialect, drop=drop)
    return ByFamily({**dict.fromkeys(DOORS, translated), "embeddings": embeddings})


def _signed(deployment: Deployment, root: str, key: Credentials) -> Adapter:
    """A compatible provider whose credential is not a key."""
    lines = headers(deployment)
    itself = Signed(_by_row(deployment, OpenAI(root, deployment.model, lines, v1_in_root=True)), key)
    return with_doors(deployment, itself, EndpointAddress(root, key, lines), _chat(deployment, b"/chat/completions"))


def _vertex_openai(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    return _signed(deployment, root, _vertex_key(deployment, means))


def _bedrock_openai(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    return _signed(deployment, root, _aws_key(deployment))


def _bedrock(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    from backends.dialects.bedrock.dialect import Bedrock

    place = EndpointAddress(root, _aws_key(deployment), headers(deployment))
    return _translated(deployment, place, Bedrock(deployment.model))


def _aws_key(deployment: Deployment) -> Credentials:
    from backends.auth.aws_signature import AwsKeys, SigV4

    if deployment.api_key is not None:
        return Fixed(authorization=f"Bearer {deployment.api_key.reveal()}")
    aws = deployment.aws
    if aws is None:
        return Missing("there are no AWS credentials: set aws or api_key, or AWS_ACCESS_KEY_ID and its like")
    token = aws.session_token.reveal() if aws.session_token else ""
    keys = AwsKeys(aws.access_key_id.reveal(), aws.secret_access_key.reveal(), token)
    return SigV4(keys, deployment.region or "", clock.wall)


def _azure(deployment: Deployment, root: str, means: AdapterDeps) -> Adapter:
    lines = headers(deployment)
    azure = Azure(root, deployment.model, lines, deployment.api_version or "")
    key = _azure_key(deployment, means)
    place = EndpointAddress(root, key, lines)
    return with_doors(
        deployment, Signed(azure, key), place, azure.chat(azure.target("chat").removeprefix(place.prefix))
    )


def _azure_key(deployment: Deployment, means: AdapterDeps) -> Credentials:
    entra = deployment.entra
    if entra is None:
        return Fixed(api_key=deployment.api_key.reveal() if deployment.api_key else "")
    secret = entra.client_secret.reveal()
    grant = client_credentials(entra.authority, entra.tenant, entra.client_id, secret, entra.scope)
    name = sha256(f"{entra.authority}\n{entra.tenant}\n{entra.client_id}\n{secret}\n{entra.scope}".encode()).hexdigest()
    return means.keyring.credential(
        f"entra:{name}", lambda: Bearer(grant, f"Entra ID for {entra.client_id}", clock.wall)
    )


_MAKERS: Mapping[str, Callable[[Deployment, str, AdapterDeps], Adapter]] = {
    "anthropic": _anthropic,
    "gemini": _gemini,
    "vertex": _vertex,
    "vertex_openai": _vertex_openai,
    "bedrock": _bedrock,
    "bedrock_openai": _bedrock_openai,
    "azure": _azure,
}
