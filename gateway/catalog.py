"""The catalog. Rule: a configuration compiled once into what requests need; immutable, swapped whole at a reload."""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from backends.adapter import Adapter
from backends.families import ALL_FAMILIES, OPENAI_FAMILIES, VLLM_FAMILIES
from backends.hold_calls import HoldingCalls
from backends.openai import OpenAI
from gateway import survival
from gateway.config.deployment import Deployment as DeploymentConfig
from gateway.config.schema import Config
from gateway.keys import Key, Keys
from gateway.live import Live
from gateway.refusal import Refusal
from policies.breaker import BreakerRules
from policies.profile import Policy, preset
from policies.types import Candidate, Deployment, Model, Price, RetryRules, Timeouts

_FAMILIES = {
    "vllm": VLLM_FAMILIES,
    "embedded": VLLM_FAMILIES,
    "openai": OPENAI_FAMILIES,
    "openai_compatible": ALL_FAMILIES,
}
_V1_IN_ROOT = frozenset({"openai", "openai_compatible"})
Embedded = Mapping[str, list[str]]  # deployment -> roots of the engines started for it


class Catalog(msgspec.Struct, frozen=True):
    """Everything a request looks up. ``models`` holds aliases too; ``listed`` only the public names."""

    config: Config
    keys: Keys
    models: Mapping[str, Model]
    listed: tuple[str, ...]
    adapters: Mapping[tuple[str, str], Adapter]
    candidates: Mapping[str, tuple[Candidate, ...]]  # by deployment
    retry: RetryRules
    continuing: frozenset[tuple[str, str]]  # endpoints where a broken stream may be continued, if they can
    hedges: bool  # whether second attempts are made

    def model(self, name: str) -> Model | None:
        return self.models.get(name) or self.models.get("*")

    def price(self, deployment: str) -> Price | None:
        """What its tokens cost; None where that is not known, or there is no such deployment."""
        candidates = self.candidates.get(deployment)
        return candidates[0].deployment.price if candidates else None

    def adapter(self, candidate: Candidate, model: Model) -> Adapter:
        """What speaks to that place for a request of that model."""
        adapter = self.adapters[candidate.id]
        return HoldingCalls(adapter) if model.hold_calls else adapter

    def find(self, name: str, key: Key) -> Model | Refusal:
        """The model a key's client asks for; an empty name is the catch-all, where there is one."""
        model = self.models.get(name) or self.models.get("*")
        if model is None and not name:
            return Refusal(400, "you must provide a 'model' parameter", param="model")
        if model is None:
            return Refusal(404, f"the model '{name}' does not exist", code="model_not_found", param="model")
        if "*" not in key.models and not key.allows(name):
            return Refusal(403, f"this key may not use the model '{name}'", code="model_not_allowed", param="model")
        return model


def compile_catalog(config: Config, live: Live, embedded: Embedded) -> Catalog:
    """The catalog of a checked configuration; live state is found again by name."""
    rules = msgspec.convert(config.defaults.breaker, BreakerRules, from_attributes=True)
    retry = msgspec.convert(config.defaults.retry, RetryRules, from_attributes=True)
    candidates: dict[str, tuple[Candidate, ...]] = {}
    adapters: dict[tuple[str, str], Adapter] = {}
    for name, deployment in config.deployments.items():
        roots = embedded[name][: deployment.replicas] if deployment.provider == "embedded" else deployment.addresses
        candidates[name] = tuple(_candidate(name, config, root, live, rules, retry) for root in roots)
        for candidate in candidates[name]:
            adapters[candidate.id] = _adapter(deployment, candidate.id[1])
    models = {name: _model(name, config, candidates) for name in config.models}
    live.hedge.share = config.defaults.hedge.budget
    aliases = {alias: models[name] for name, model in config.models.items() for alias in model.aliases}
    listed = tuple(name for name in config.models if name != "*")
    return Catalog(
        config,
        Keys(config.auth.keys),
        {**models, **aliases},
        listed,
        adapters,
        candidates,
        retry,
        survival.continuing(models.values()),
        config.defaults.hedge.enabled,
    )


def _candidate(name: str, config: Config, root: str, live: Live, rules: BreakerRules, retry: RetryRules) -> Candidate:
    deployment = config.deployments[name]
    price = deployment.price or config.prices.get(deployment.model)
    domain, credential = _quota(deployment, root)
    id = (name, root)
    return Candidate(
        id,
        Deployment(
            name,
            deployment.provider,
            deployment.model,
            _FAMILIES[deployment.provider],
            deployment.max_concurrency,
            msgspec.convert(price, Price, from_attributes=True) if price else None,
            tuple(deployment.tags),
            deployment.weights or name,
        ),
        live.load(id, rules),
        live.domain(domain, credential, retry.budget),
        live.pool(name),
    )


def _quota(deployment: DeploymentConfig, root: str) -> tuple[str, str]:
    """The names of the quota domain and of the credential; digests, since the credential is part of them."""
    key = deployment.api_key.reveal() if deployment.api_key else ""
    credential = sha256(f"{deployment.provider}\n{root}\n{key}".encode()).hexdigest()
    if deployment.quota:
        return f"quota:{deployment.quota}", credential
    return f"{credential}:{deployment.model}", credential


def _adapter(deployment: DeploymentConfig, root: str) -> Adapter:
    headers = {name: secret.reveal() for name, secret in deployment.headers.items()}
    if deployment.api_key:
        headers = {"authorization": f"Bearer {deployment.api_key.reveal()}", **headers}
    return OpenAI(root, deployment.model, headers, v1_in_root=deployment.provider in _V1_IN_ROOT)


def _model(name: str, config: Config, candidates: Mapping[str, tuple[Candidate, ...]]) -> Model:
    model = config.models[name]
    defaults = config.defaults.timeouts
    folded = {
        deployment: msgspec.convert(
            defaults.overridden(config.deployments[deployment].timeouts, model.timeouts), Timeouts, from_attributes=True
        )
        for tier in model.tiers
        for deployment in tier
    }
    tiers = tuple(tuple(c for deployment in tier for c in candidates[deployment]) for tier in model.tiers)
    return Model(
        name,
        tiers,
        _policy(config, model.policy),
        folded,
        defaults.overridden(model.timeouts).total,
        tuple(model.fallbacks),
        tuple(model.context_window_fallbacks),
        tuple(model.content_policy_fallbacks),
        survival.rules(config.defaults, model, tiers),
        survival.holds_calls(config.defaults, model),
    )


def _policy(config: Config, name: str) -> Policy:
    """A preset by its own name, or by the kind of a named policy."""
    spec = config.policies.get(name)
    policy = preset(spec.kind if spec is not None and spec.kind else name)
    assert policy is not None  # the configuration was checked
    return policy
