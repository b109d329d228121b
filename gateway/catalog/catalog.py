"""The catalog: a configuration compiled once into what requests need. Immutable; a reload swaps it whole."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from backends.contract.adapter import Adapter
from backends.contract.media import Fetcher
from backends.providers.provider import AdapterDeps
from backends.serving.capabilities import ESSENTIAL
from backends.transports.public import Limits, PublicFetcher
from gateway import clock
from gateway.catalog import adapter_factory
from gateway.catalog import recovery_rules as survival
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key, Keys
from gateway.catalog.ownership import is_own
from gateway.catalog.policy_compiler import fitted, named, needs, with_needs
from gateway.catalog.prices import price
from gateway.catalog.route_compiler import compiled
from gateway.catalog.stages import Stage, StagedAdapter, Stages
from gateway.catalog.stages import compiled as staged
from gateway.config.deployment import Deployment as DeploymentConfig
from gateway.config.schema import Config
from gateway.state.endpoints import Topology
from policies.load.candidate import Candidate
from policies.selection.model import Id, Model, Tier
from policies.selection.routes import Route
from policies.vocabulary.limits import RetryRules
from policies.vocabulary.needs import FEATURES, NOTHING
from policies.vocabulary.types import Deployment, Price

Addresses = Mapping[str, tuple[str, ...]]  # by deployment
Embedded = Mapping[str, list[str]]  # deployment -> roots of the engines started for it


class Catalog(msgspec.Struct, frozen=True):
    """Everything a request looks up. ``models`` holds aliases too; ``listed`` only the public names."""

    config: Config
    keys: Keys
    models: Mapping[str, Model]
    variants: Mapping[tuple[str, str], Model]  # models under the policy that a route gives them
    routes: tuple[Route, ...]
    listed: tuple[str, ...]
    topology: Topology
    adapters: Mapping[Id, Adapter]
    retry: RetryRules
    continuing: frozenset[str]  # deployments where a broken stream may be continued, if their endpoints can
    explains: bool = False  # somebody may ask why, or some decisions are kept
    hedges: bool = False  # whether second attempts are made
    before: Stages = {}  # what requests pass before their plan
    around: Stages = {}  # what replies pass
    fetchers: Mapping[str, Fetcher] = {}  # of deployments whose provider fetches no URL itself

    def model(self, name: str) -> Model | None:
        return self.models.get(name) or self.models.get("*")

    def price(self, deployment: str) -> Price | None:
        """What its tokens cost; None where that is not known, or there is no such deployment."""
        found = self.topology.deployments.get(deployment)
        return found.price if found is not None else None

    def adapter(self, candidate: Candidate, model: Model) -> Adapter:
        """The adapter of an endpoint for a request of that model, with the model's stages around it."""
        adapter, stages = self.adapters[candidate.id], self.around.get(model.name)
        return StagedAdapter(adapter, stages) if stages else adapter

    def find(self, name: str, key: Key) -> Model | ErrorResponse:
        """The model a key's client asks for; an empty name is the catch-all, where there is one."""
        model = self.models.get(name) or self.models.get("*")
        if model is None and not name:
            return ErrorResponse(400, "you must provide a 'model' parameter", param="model")
        if model is None:
            return ErrorResponse(404, f"the model '{name}' does not exist", code="model_not_found", param="model")
        if "*" not in key.models and not key.allows(name):
            return ErrorResponse(
                403, f"this key may not use the model '{name}'", code="model_not_allowed", param="model"
            )
        return model


class Adapters(dict[Id, Adapter]):
    """What speaks to each endpoint; for those that the configuration does not name, made when first asked for."""

    def __init__(self, config: Config, addresses: Addresses, deps: AdapterDeps) -> None:
        self._config = config
        self._deps = deps
        for name, urls in addresses.items():
            for url in urls:
                self[name, url]  # made now, so that its credential is known from the start

    def __missing__(self, id: Id) -> Adapter:
        adapter = self[id] = adapter_factory.adapter(self._config.deployments[id[0]], id[1], self._deps)
        return adapter


def compile_catalog(
    config: Config, embedded: Embedded, keyring: CredentialRefresher, stages: tuple[Stage, ...] = ()
) -> Catalog:
    """The catalog of a checked configuration."""
    deployments = {name: _deployment(name, config) for name in config.deployments}
    addresses = {name: tuple(_addresses(name, config, embedded)) for name in deployments}
    deps = AdapterDeps(credential=keyring.credential, wall=clock.wall)
    models, variants = _models(config, deployments, addresses)
    every = (*models.values(), *variants.values())
    before, around = staged(stages, config, models.values())
    aliases = {alias: models[name] for name, model in config.models.items() for alias in model.aliases}
    listed = tuple(name for name in config.models if name != "*")
    keys, routes = Keys(config.auth.keys), tuple(map(compiled, config.routes))
    explains = config.telemetry.decisions > 0 or any(key.explain for key in config.auth.keys)
    return Catalog(
        config=config,
        keys=keys,
        models={**models, **aliases},
        variants=variants,
        routes=routes,
        listed=listed,
        topology=_topology(config, deployments, addresses, every),
        adapters=Adapters(config, addresses, deps),
        retry=config.defaults.retry,
        continuing=survival.continuing(every, config.deployments),
        explains=explains,
        hedges=config.defaults.hedge.enabled,
        before=before,
        around=around,
        fetchers=_fetchers(config),
    )


def _topology(
    config: Config, deployments: Mapping[str, Deployment], addresses: Addresses, models: tuple[Model, ...]
) -> Topology:
    return Topology(
        deployments=deployments,
        addresses=addresses,
        models=models,
        breaker=config.defaults.breaker,
        retry_budget=config.defaults.retry.budget,
        hedge_budget=config.defaults.hedge.budget,
    )


def _models(
    config: Config, deployments: Mapping[str, Deployment], addresses: Addresses
) -> tuple[dict[str, Model], dict[tuple[str, str], Model]]:
    """The models by name, and those under a policy that some route gives them."""
    bare = {name: _model(name, config, deployments, addresses) for name in config.models}
    policies = {route.to.policy for route in config.routes if route.to and route.to.policy}
    variants = {
        (name, each): with_needs(_model(name, config, deployments, addresses, each), bare)
        for name in bare
        for each in policies
    }
    return {name: with_needs(model, bare) for name, model in bare.items()}, variants


def _fetchers(config: Config) -> dict[str, Fetcher]:
    media = config.defaults.media
    if not media.fetch:
        return {}
    fetcher = PublicFetcher(Limits(media.max_size, media.timeout))
    return {name: fetcher for name, each in config.deployments.items() if not each.provider.fetches_media}


def _addresses(name: str, config: Config, embedded: Embedded) -> list[str]:
    deployment = config.deployments[name]
    return embedded[name][: deployment.replicas] if deployment.provider.started_here else deployment.addresses


def _deployment(name: str, config: Config) -> Deployment:
    """One for all its endpoints."""
    deployment = config.deployments[name]
    return Deployment(
        name=name,
        provider=deployment.provider.name,
        model=deployment.model,
        families=adapter_factory.families(deployment),
        max_concurrency=deployment.max_concurrency,
        price=price(deployment, config),
        tags=tuple(deployment.tags),
        weights=deployment.weights or name,
        own=is_own(deployment, config),
        weight=1.0 if deployment.weight is None else deployment.weight,
        context_window=deployment.context_window,
        rpm=deployment.rpm,
        tpm=deployment.tpm,
        features=adapter_factory.features(deployment),
        metered=deployment.provider.metered,
        cache_events=deployment.kv_events is not None,
        account=_account(deployment),
        quota=deployment.quota or "",
    )


def _account(deployment: DeploymentConfig) -> str:
    """A digest, since the credential is part of it."""
    whose = (deployment.provider.name, adapter_factory.account(deployment), deployment.project, deployment.region)
    return sha256(repr(whose).encode()).hexdigest()


def _model(
    name: str,
    config: Config,
    deployments: Mapping[str, Deployment],
    addresses: Addresses,
    policy_name: str = "",
) -> Model:
    """A model, under its own policy or another."""
    model = config.models[name]
    defaults = config.defaults.timeouts
    tiers = tuple(Tier.of(deployments[deployment] for deployment in tier) for tier in model.tiers)
    every = [each for tier in tiers for each in tier.deployments]
    policy = fitted(named(config, policy_name or model.policy), every)
    if policy.across_tiers:
        tiers = (Tier.of(every),)
    return Model(
        name=name,
        tiers=tiers,
        policy=policy,
        timeouts={d.name: defaults.overridden(config.deployments[d.name].timeouts, model.timeouts) for d in every},
        total=defaults.overridden(model.timeouts).total,
        fallbacks=tuple(model.fallbacks),
        context_window_fallbacks=tuple(model.context_window_fallbacks),
        content_policy_fallbacks=tuple(model.content_policy_fallbacks),
        recovery=survival.rules(config.defaults, model, every, addresses),
        needs=needs(policy, every) | (FEATURES if _is_picky(name, config, set()) else NOTHING),
    )


def _is_picky(name: str, config: Config, seen: set[str]) -> bool:
    """Whether some deployment that may answer lacks an essential feature; ``seen``: the models already asked."""
    if name in seen or name not in config.models:
        return False
    seen.add(name)
    model = config.models[name]
    places = (config.deployments[deployment] for tier in model.tiers for deployment in tier)
    if any(not adapter_factory.features(place) >= ESSENTIAL for place in places):
        return True
    others = (*model.fallbacks, *model.context_window_fallbacks, *model.content_policy_fallbacks)
    return any(_is_picky(other, config, seen) for other in others)
