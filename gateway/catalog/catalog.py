"""The catalog: a configuration compiled once into what requests need. Immutable; a reload swaps it whole."""

from collections.abc import Iterable, Mapping
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
from gateway.catalog import stages as staging
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key, Keys
from gateway.catalog.ownership import is_own
from gateway.catalog.policy_compiler import fitted, named, needs, with_needs
from gateway.catalog.prices import price
from gateway.catalog.route_compiler import compiled
from gateway.catalog.stages import Stage, StagedAdapter, Stages
from gateway.config.deployment import Deployment as DeploymentConfig
from gateway.config.schema import Config
from gateway.state.live_state import LiveState
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate
from policies.selection.filters import FitsContext
from policies.selection.model import Model
from policies.selection.routes import Route
from policies.vocabulary.hashing import digest
from policies.vocabulary.limits import RetryRules
from policies.vocabulary.needs import FEATURES, NOTHING
from policies.vocabulary.types import Deployment, Price

Embedded = Mapping[str, list[str]]  # deployment -> roots of the engines started for it


class Catalog(msgspec.Struct, frozen=True):
    """Everything a request looks up. ``models`` holds aliases too; ``listed`` only the public names."""

    config: Config
    keys: Keys
    models: Mapping[str, Model]
    variants: Mapping[tuple[str, str], Model]  # models under the policy that a route gives them
    routes: tuple[Route, ...]
    listed: tuple[str, ...]
    adapters: Mapping[tuple[str, str], Adapter]
    candidates: Mapping[str, tuple[Candidate, ...]]  # by deployment
    retry: RetryRules
    continuing: frozenset[tuple[str, str]]  # endpoints where a broken stream may be continued, if they can
    explains: bool = False  # somebody may ask why, or some decisions are kept
    hedges: bool = False  # whether second attempts are made
    before: Stages = {}  # what requests pass before their plan
    around: Stages = {}  # what replies pass
    fetchers: Mapping[tuple[str, str], Fetcher] = {}  # of endpoints whose provider fetches no URL itself

    def model(self, name: str) -> Model | None:
        return self.models.get(name) or self.models.get("*")

    def price(self, deployment: str) -> Price | None:
        """What its tokens cost; None where that is not known, or there is no such deployment."""
        candidates = self.candidates.get(deployment)
        return candidates[0].deployment.price if candidates else None

    def adapter(self, candidate: Candidate, model: Model) -> Adapter:
        """What speaks to that place for a request of that model."""
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


def compile_catalog(
    config: Config, live: LiveState, embedded: Embedded, keyring: CredentialRefresher, stages: tuple[Stage, ...] = ()
) -> Catalog:
    """The catalog of a checked configuration; live state is found again by name."""
    rules, retry = config.defaults.breaker, config.defaults.retry
    means = AdapterDeps(credential=keyring.credential, wall=clock.wall)
    candidates: dict[str, tuple[Candidate, ...]] = {}
    adapters: dict[tuple[str, str], Adapter] = {}
    for name, deployment in config.deployments.items():
        roots = embedded[name][: deployment.replicas] if deployment.provider.started_here else deployment.addresses
        place = _deployment(name, config)
        candidates[name] = tuple(_candidate(place, deployment, root, live, rules, retry) for root in roots)
        for candidate in candidates[name]:
            adapters[candidate.id] = adapter_factory.adapter(deployment, candidate.id[1], means)
    bare = {name: _model(name, config, candidates) for name in config.models}
    models = {name: with_needs(model, bare) for name, model in bare.items()}
    policies = {route.to.policy for route in config.routes if route.to and route.to.policy}
    variants = {
        (name, each): with_needs(_model(name, config, candidates, each), bare) for name in models for each in policies
    }
    live.foresight.keep([*models.values(), *variants.values()])
    live.caches.keep([*models.values(), *variants.values()])
    live.keep_errors(_limited([*models.values(), *variants.values()]))
    live.judge.keep([*models.values(), *variants.values()])
    live.keep_speeds(_timed([*models.values(), *variants.values()]))
    live.hedge.share = config.defaults.hedge.budget
    aliases = {alias: models[name] for name, model in config.models.items() for alias in model.aliases}
    listed = tuple(name for name in config.models if name != "*")
    keys, routes = Keys(config.auth.keys), tuple(map(compiled, config.routes))
    explains = config.telemetry.decisions > 0 or any(key.explain for key in config.auth.keys)
    before, around = staging.compiled(stages, config, models.values())
    return Catalog(
        config=config,
        keys=keys,
        models={**models, **aliases},
        variants=variants,
        routes=routes,
        listed=listed,
        adapters=adapters,
        candidates=candidates,
        retry=retry,
        continuing=survival.continuing([*models.values(), *variants.values()], config.deployments),
        explains=explains,
        hedges=config.defaults.hedge.enabled,
        before=before,
        around=around,
        fetchers=_fetchers(config, candidates),
    )


def _fetchers(config: Config, candidates: Mapping[str, tuple[Candidate, ...]]) -> dict[tuple[str, str], Fetcher]:
    media = config.defaults.media
    if not media.fetch:
        return {}
    fetcher = PublicFetcher(Limits(media.max_size, media.timeout))
    needy = (name for name, each in config.deployments.items() if not each.provider.fetches_media)
    return {candidate.id: fetcher for name in needy for candidate in candidates[name]}


def _limited(models: Iterable[Model]) -> list[Model]:
    """The models whose policy asks whether a request fits into a context window."""
    return [model for model in models if any(isinstance(each, FitsContext) for each in model.policy.filters)]


def _timed(models: Iterable[Model]) -> set[tuple[str, str]]:
    """The endpoints whose speed some policy reads."""
    return {c.id for model in models if "speed" in model.policy.needs for tier in model.tiers for c in tier}


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
    )


def _candidate(
    place: Deployment, deployment: DeploymentConfig, root: str, live: LiveState, rules: BreakerRules, retry: RetryRules
) -> Candidate:
    domain, credential = _quota(deployment, root)
    id = (place.name, root)
    return Candidate(
        id=id,
        deployment=place,
        load=live.load(id, rules),
        domain=live.domain(domain, credential, retry.budget),
        pool=live.pool(place.name, limited=place.rpm is not None or place.tpm is not None),
        mark=digest(*id),
    )


def _quota(deployment: DeploymentConfig, root: str) -> tuple[str, str]:
    """The names of the quota domain and of the credential; digests, since the credential is part of them."""
    whose = (deployment.provider.name, root, adapter_factory.account(deployment), deployment.project, deployment.region)
    credential = sha256(repr(whose).encode()).hexdigest()
    if deployment.quota:
        return f"quota:{deployment.quota}", credential
    return f"{credential}:{deployment.model}", credential


def _model(name: str, config: Config, candidates: Mapping[str, tuple[Candidate, ...]], policy_name: str = "") -> Model:
    """A model, under its own policy or another."""
    model = config.models[name]
    defaults = config.defaults.timeouts
    folded = {
        deployment: defaults.overridden(config.deployments[deployment].timeouts, model.timeouts)
        for tier in model.tiers
        for deployment in tier
    }
    tiers = tuple(tuple(c for deployment in tier for c in candidates[deployment]) for tier in model.tiers)
    every = tuple(c for tier in tiers for c in tier)
    policy = fitted(named(config, policy_name or model.policy), list(every))
    if policy.across_tiers:
        tiers = (every,)
    return Model(
        name=name,
        tiers=tiers,
        policy=policy,
        timeouts=folded,
        total=defaults.overridden(model.timeouts).total,
        fallbacks=tuple(model.fallbacks),
        context_window_fallbacks=tuple(model.context_window_fallbacks),
        content_policy_fallbacks=tuple(model.content_policy_fallbacks),
        recovery=survival.rules(config.defaults, model, tiers),
        needs=needs(policy, list(every)) | (FEATURES if _is_picky(name, config, set()) else NOTHING),
        places=tuple({c.id: c for c in tier} for tier in tiers),
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
