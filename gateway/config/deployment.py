"""Deployments (where a request can run) and models (what a client asks for)."""

from typing import Literal

from msgspec import Struct, structs

from backends.providers.provider import Provider
from gateway.config.address import BaseUrl, HeaderName, ModelName, Publisher, Root, published_at
from gateway.config.clouds import Aws, Entra
from gateway.config.limits import Realign, Reasoning, RecoveryMode
from gateway.config.secret import Secret
from policies.vocabulary.limits import TimeoutOverrides
from policies.vocabulary.units import Dollars, Name, Positive, Timeout, Weight

SCRAPE = 1.0  # seconds between checks of an engine, where the deployment does not say


class Cost(Struct, frozen=True, kw_only=True):
    """What an endpoint of your own costs.

    per_hour: USD per endpoint and hour.
    """

    per_hour: Dollars


class Price(Struct, frozen=True, kw_only=True):
    """What tokens cost, in USD per 1M tokens.

    input: Prompt tokens.
    cached_input: Prompt tokens read from the provider's cache; left out, they cost as much as `input`.
    cache_write: Prompt tokens put into the provider's cache; left out, they cost as much as `input`.
    cache_write_1h: Those put there for an hour; left out, they cost as much as `cache_write`.
    output: Generated tokens.
    """

    input: Dollars
    cached_input: Dollars | None = None
    cache_write: Dollars | None = None
    cache_write_1h: Dollars | None = None
    output: Dollars


class Deployment(Struct, frozen=True, kw_only=True):
    """A named place that can run a model: a pool of vLLM engines, or one model of a cloud.

    provider: Who serves it, and so which dialect is spoken.
    model: The name the upstream knows the model by.
    weights: The same word means the same weights, which a broken stream needs to go on; left out, its own name.
    endpoints: Roots of the servers, without /v1; for `vllm` and the other engines of your own.
    base_url: URL up to where the API begins, usually ending in /v1; not for engines; most clouds know their own.
    api_key: Credential sent to the upstream.
    cost: What an own endpoint costs.
    price: What tokens cost; it replaces the bundled price.
    kv_events: ZeroMQ address of the engines' cache events; `{host}` and `{port}` stand for each endpoint's; for `vllm`.
    max_concurrency: Most requests in flight on the whole deployment.
    timeouts: Timeouts that differ here; all but `total`, which is a request's and not a deployment's.
    headers: Headers added to each request; their values are kept secret.
    rpm: Requests per minute the upstream allows.
    tpm: Tokens per minute the upstream allows.
    steering: Steering fields of a request (`models`, `provider`, `priority`) the upstream takes.
    tags: Words that routes and filters can ask for.
    weight: Share of traffic under the `weighted` policy.
    context_window: Longest prompt and answer together, in tokens.
    scrape: How often an engine's health and metrics are read, 1s if left out; for engines.
    unsupported: What becomes of a field without a place in the upstream's dialect, `reject` if left out.
    lacks: What the model cannot be asked for, so that such requests go elsewhere.
    native: APIs that the upstream speaks itself beyond its provider's own, so that they are passed on as they are.
    quota: Name of a quota shared with other deployments: a 429 on one cools all.
    region: The cloud's region; for `vertex` its location, `global` if left out; for `bedrock` else AWS_REGION's.
    aws: Access key of AWS; left out, that of the environment (AWS_ACCESS_KEY_ID …); for `bedrock`.
    entra: An application of Microsoft Entra ID, whose tokens stand for an API key; for `azure`.
    api_version: Version of Azure's API by deployment; left out, its v1 API; for `azure`.
    project: The Google Cloud project, the credentials' own if left out; for `vertex` only.
    credentials: A Google account as JSON, usually `file:/path`; left out, the application default credentials.
    replicas: How many embedded engines are started, 1 if left out; for `embedded` only.
    """

    provider: Provider
    model: str
    weights: Name | None = None
    endpoints: list[Root] = []
    base_url: BaseUrl | None = None
    api_key: Secret | None = None
    cost: Cost | None = None
    price: Price | None = None
    kv_events: Publisher | None = None
    max_concurrency: Positive | None = None
    timeouts: TimeoutOverrides | None = None
    headers: dict[HeaderName, Secret] = {}
    rpm: Positive | None = None
    tpm: Positive | None = None
    steering: list[Literal["models", "provider", "priority"]] = []
    tags: list[Name] = []
    weight: Weight | None = None
    context_window: Positive | None = None
    scrape: Timeout | None = None
    unsupported: Literal["reject", "drop"] | None = None
    lacks: list[Literal["images", "documents", "audio", "tools"]] = []
    native: list[Literal["messages", "count_tokens", "responses"]] = []
    quota: Name | None = None
    region: Name | None = None
    aws: Aws | None = None
    entra: Entra | None = None
    api_version: Name | None = None
    project: Name | None = None
    credentials: Secret | None = None
    replicas: Positive | None = None

    def resolved(self) -> "Deployment":
        """The deployment with what its provider, and that for its model, fill in."""
        provider = self.provider
        address = provider.base_url if "{" not in provider.base_url else ""
        return structs.replace(
            self,
            provider=provider.variant(self.model, self.api_version or "") if provider.variant else provider,
            base_url=self.base_url or address or None,
            scrape=self.scrape or (SCRAPE if provider.self_hosted else None),
            replicas=self.replicas or (1 if provider.started_here else None),
        )

    @property
    def publishers(self) -> list[str]:
        """Where the engine of each endpoint publishes its cache events; nothing where none does."""
        return [published_at(self.kv_events, endpoint) for endpoint in self.endpoints] if self.kv_events else []

    @property
    def addresses(self) -> list[str]:
        """Where it is reached: vLLM roots, or the base URL; nothing for the embedded engine, which is started here."""
        return self.endpoints or [url for url in [self.base_url] if url]


class Model(Struct, frozen=True, kw_only=True):
    """A public name that clients ask for.

    deployments: Tiers, tried in order; an entry that is itself a list is one tier of equals.
    policy: How endpoints are ranked within a tier: a name under `policies`, or a preset's own name.
    fallbacks: Models tried when every deployment has failed.
    context_window_fallbacks: Models tried when the prompt is too long.
    content_policy_fallbacks: Models tried when the upstream's content filter refuses.
    timeouts: Timeouts that differ for this model; they win over a deployment's.
    aliases: Other names that clients may use for it.
    recovery: What is tried when a stream dies; left out, as under `defaults`.
    realign: When a stream may be run again elsewhere; left out, as under `defaults`.
    hold_tool_calls: Whether streamed tool calls are held back until complete; left out, as under `defaults`.
    reasoning: What becomes of a stream that showed only reasoning; left out, as under `defaults`.
    """

    deployments: list[Name | list[Name]]
    policy: Name = "order"
    fallbacks: list[ModelName] = []
    context_window_fallbacks: list[ModelName] = []
    content_policy_fallbacks: list[ModelName] = []
    timeouts: TimeoutOverrides | None = None
    aliases: list[ModelName] = []
    recovery: list[RecoveryMode] | None = None
    realign: Realign | None = None
    hold_tool_calls: bool | None = None
    reasoning: Reasoning | None = None

    @property
    def tiers(self) -> list[list[str]]:
        """The deployments as a list of tiers, each a list of names."""
        return [[tier] if isinstance(tier, str) else tier for tier in self.deployments]
