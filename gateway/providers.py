"""Providers. Rule: a deployment's adapter is made here by its provider: what it answers itself, who translates."""

from collections.abc import Callable, Mapping

from backends.adapter import Adapter
from backends.anthropic import Anthropic, AnthropicKey
from backends.by_family import ByFamily
from backends.capabilities import PROVIDERS
from backends.chat.dialect import Chat
from backends.credentials import Credentials, Fixed
from backends.dialect import Dialect
from backends.doors import DOORS
from backends.families import ALL_FAMILIES, OPENAI_FAMILIES, VLLM_FAMILIES
from backends.openai import OpenAI
from backends.place import Place
from backends.signed import Signed
from backends.translated import Translated
from gateway import clock
from gateway.config.deployment import Deployment

_ASKED_FOR = frozenset({"messages", "count_tokens", "responses"})  # few compatible servers speak these themselves
#: Provider -> the endpoint families it answers itself; the doors among the others are translated for it.
NATIVE: Mapping[str, frozenset[str]] = {
    "vllm": VLLM_FAMILIES,
    "embedded": VLLM_FAMILIES,
    "openai": OPENAI_FAMILIES,
    "openai_compatible": ALL_FAMILIES - _ASKED_FOR,
    "anthropic": frozenset({"messages", "count_tokens"}),
}
_V1_IN_ROOT = frozenset({"openai", "openai_compatible"})


def native(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that the upstream answers itself."""
    return NATIVE[deployment.provider] | frozenset(deployment.native)


def families(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that are served."""
    return native(deployment) | DOORS.keys()


def features(deployment: Deployment) -> frozenset[str]:
    """What the deployment can be asked for, in the words of backends/capabilities.py."""
    return PROVIDERS[deployment.provider] - frozenset(deployment.lacks)


def adapter(deployment: Deployment, root: str) -> Adapter:
    """What speaks to one endpoint of a checked deployment."""
    return _MAKERS.get(deployment.provider, _openai)(deployment, root)


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


def _openai(deployment: Deployment, root: str) -> Adapter:
    lines = headers(deployment)
    if deployment.api_key:
        lines = {"authorization": f"Bearer {deployment.api_key.reveal()}", **lines}
    v1_in_root = deployment.provider in _V1_IN_ROOT
    itself = OpenAI(root, deployment.model, lines, v1_in_root=v1_in_root, steering=deployment.steering)
    target = b"/chat/completions" if v1_in_root else b"/v1/chat/completions"
    return with_doors(deployment, itself, Place(root, Fixed(), lines), Chat(target))


def _anthropic(deployment: Deployment, root: str) -> Adapter:
    key: Credentials = AnthropicKey(deployment.api_key.reveal() if deployment.api_key else "")
    lines = headers(deployment)
    itself = Signed(OpenAI(root, deployment.model, lines, v1_in_root=True), key)
    return with_doors(deployment, itself, Place(root, key, lines), Anthropic())


_MAKERS: Mapping[str, Callable[[Deployment, str], Adapter]] = {
    "anthropic": _anthropic,
}
