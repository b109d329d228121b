"""A provider: one service or engine that deployments name, described once, for everything that must know of it."""

from collections.abc import Callable
from typing import Literal

import msgspec

from backends.contract.adapter import Adapter
from backends.contract.credentials import AwsKeys, EntraApplication, Refreshed
from backends.dialects.openai.field_rules import FieldRules

#: The deployment's keys that each way of reaching a provider brings along.
_KEYS_BY_ADDRESS = {
    "base_url": frozenset({"base_url", "headers"}),
    "endpoints": frozenset({"endpoints", "headers", "scrape"}),
    "replicas": frozenset({"replicas", "scrape"}),
}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says of one endpoint of a deployment. Secrets are in the clear, so it is never printed.

    root: Its URL, that targets are appended to.
    model: The upstream's name for the model.
    native: Endpoint families that are passed on as they are.
    headers: Headers added to each request.
    api_key, aws, entra, google_account: Credentials (the last as JSON), as far as they are given.
    project, region, api_version: The cloud's; empty where they are not given.
    steering: The client's steering fields that the upstream takes.
    drop: Whether fields without a place in the upstream's dialect are left out; they are refused otherwise.
    """

    root: str
    model: str
    native: frozenset[str]
    headers: dict[str, str] = {}
    api_key: str = ""
    aws: AwsKeys | None = None
    entra: EntraApplication | None = None
    google_account: str = ""
    project: str = ""
    region: str = ""
    api_version: str = ""
    steering: tuple[str, ...] = ()
    drop: bool = False

    def __repr__(self) -> str:
        return f"Endpoint({self.root!r}, {self.model!r})"


class AdapterDeps(msgspec.Struct, frozen=True, kw_only=True):
    """What adapters need of the gateway.

    credential: The one credential of that name, made where there is none yet; the gateway keeps it fresh.
    wall: The wall clock, in seconds since the epoch.
    """

    credential: Callable[[str, Callable[[], Refreshed]], Refreshed]
    wall: Callable[[], float]


class LiteLlm(msgspec.Struct, frozen=True, kw_only=True):
    """A provider in LiteLLM's configuration, for `cloverleaf import`.

    prefixes: What stands before the slash of its `model`.
    routes: Prefixes within the provider, which mean nothing here.
    bare: A pattern of the names that LiteLLM takes for this provider without a prefix.
    key_variable, address_variable: Where LiteLLM looks for a credential and an address that are not in the file.
    """

    prefixes: tuple[str, ...]
    routes: tuple[str, ...] = ()
    bare: str = ""
    key_variable: str = ""
    address_variable: str = ""


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one provider; `backends/providers/__init__.py` lists them.

    name: Its word in configurations, the log and the ledger.
    make: The adapter of one endpoint. Heavy libraries are imported in it, so that only their users wait for them.
    families: Endpoint families that it answers itself; the other front APIs are translated.
    translated: Further families that are translated for it.
    features: What it can be asked for, in the words of backends/serving/capabilities.py; one model may lack some.
    fields: Fields of chat and completions that it takes otherwise than OpenAI.
    address: The deployment's key that says where it is: the `base_url` of a service (with its /v1), the `endpoints` of
        servers of the user's (roots without /v1), or how many `replicas` are started in this process.
    base_url: A service's public address; the configuration fills in what is in braces. Empty: the deployment must say.
    auth: The deployment's keys that can hold its credential.
    auth_required: Whether one of them must be given, and one only.
    options: Further keys of a deployment that only some providers take, and this one does.
    variant: Its descriptor for a model and an API version, where one of them changes what it offers.
    health: The path that answers 200 when it can serve; empty: it is not probed.
    metrics: The path of Prometheus metrics in vLLM's names; empty: they are not read.
    continues: Whether it can be probed for how it continues a broken text.
    metered: Whether its replies say what is left of its rate limits.
    fetches_media: Whether it fetches images and documents that a request names by their URL.
    tiktoken: Whether tiktoken counts its prompts exactly.
    prices: Its name in genai-prices; empty: its tokens have no list price.
    otel: Its `gen_ai.provider.name` in OpenTelemetry's conventions, where that is not its name.
    litellm: Its names in LiteLLM's configuration, where it has any.
    note: What else to know, for the documentation.
    """

    name: str
    make: Callable[["Provider", Endpoint, AdapterDeps], Adapter]
    families: frozenset[str]
    translated: frozenset[str] = frozenset()
    features: frozenset[str]
    fields: FieldRules = FieldRules()
    address: Literal["base_url", "endpoints", "replicas"] = "base_url"
    base_url: str = ""
    auth: tuple[str, ...] = ("api_key",)
    auth_required: bool = False
    options: frozenset[str] = frozenset()
    variant: Callable[[str, str], "Provider"] | None = None
    health: str = ""
    metrics: str = ""
    continues: bool = False
    metered: bool = False
    fetches_media: bool = True
    tiktoken: bool = False
    prices: str = ""
    otel: str = ""
    litellm: LiteLlm = LiteLlm(prefixes=())
    note: str = ""

    @property
    def self_hosted(self) -> bool:
        """Whether it is an engine of the user's, which costs by the hour and not by the token."""
        return self.address != "base_url"

    @property
    def started_here(self) -> bool:
        """Whether its engines run in this process."""
        return self.address == "replicas"

    @property
    def keys(self) -> frozenset[str]:
        """The deployment's keys that it takes, of those that not every provider takes."""
        return _KEYS_BY_ADDRESS[self.address] | self.options.union(self.auth)

    @property
    def telemetry_name(self) -> str:
        return self.otel or self.name
