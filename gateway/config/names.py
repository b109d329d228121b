"""Name checks: every name that is used is defined, and no two things share one."""

from collections.abc import Collection, Iterator
from fnmatch import fnmatchcase

from msgspec import Struct

from gateway.config.check import Finding
from gateway.config.deployment import Model
from gateway.config.policy import PolicySpec, Route
from gateway.config.problem import Path, suggest
from gateway.config.schema import Config, Key
from gateway.config.source import Source
from policies.selection import presets
from policies.selection.scorers import Quality

PRESETS = tuple(each.kind for each in presets.PRESETS)
FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")


class Names(Struct, frozen=True):
    """The names that the file defines, including those of entries with errors."""

    deployments: Collection[str]
    models: Collection[str]
    policies: Collection[str]
    aliases: dict[str, str]  # alias → model
    strong: dict[str, list[str]]  # policy → deployments for hard prompts
    source: Source

    def model(self, path: Path, name: str) -> Iterator[Finding]:
        if name in self.aliases:
            yield path, f'{self.source.show(path, name)} is an alias: name the model, "{self.aliases[name]}"'
        elif name not in self.models:
            yield path, f"model {self.source.show(path, name)} is not defined{suggest(name, self.models)}"

    def deployment(self, path: Path, name: str) -> Iterator[Finding]:
        if name not in self.deployments:
            yield path, f"deployment {self.source.show(path, name)} is not defined{suggest(name, self.deployments)}"

    def policy(self, path: Path, name: str) -> Iterator[Finding]:
        if name not in self.policies and name not in PRESETS:
            hint = suggest(name, [*self.policies, *sorted(PRESETS)])
            yield path, f"policy {self.source.show(path, name)} is not defined{hint}"


def defined(config: Config, source: Source) -> Names:
    sections = (source.data.get(key) for key in ("deployments", "models", "policies"))
    deployments, models, policies = (list(each) if isinstance(each, dict) else [] for each in sections)
    aliases = {alias: name for name, model in config.models.items() for alias in model.aliases}
    strong = {name: [each for _, each in strong_of(policy)] for name, policy in config.policies.items()}
    return Names(
        deployments=deployments, models=models, policies=policies, aliases=aliases, strong=strong, source=source
    )


def strong_of(policy: PolicySpec) -> Iterator[tuple[Path, str]]:
    """The deployments that a policy or its scorers name for hard prompts, each by its path in the policy."""
    scorers = [(("scorers", n), each.difficulty) for n, each in enumerate(policy.scorers) if isinstance(each, Quality)]
    for path, difficulty in [*scorers, ((), policy.difficulty)]:
        for index, name in enumerate(difficulty.strong if difficulty else ()):
            yield (*path, "difficulty", "strong", index), name


def check_names(config: Config, source: Source) -> Iterator[Finding]:
    names = defined(config, source)
    if not names.deployments:
        yield ("deployments",), "missing: define at least one deployment"
    if not names.models:
        yield ("models",), "missing: define at least one model"
    for name in config.policies:
        if name in PRESETS:
            yield ("policies", name), "is the name of a preset: choose another"
        for path, strong in strong_of(config.policies[name]):
            yield from names.deployment(("policies", name, *path), strong)
    for name, model in config.models.items():
        yield from check_model(name, model, names)
    yield from check_aliases(config, names)
    for index, key in enumerate(config.auth.keys):
        yield from check_grants(("auth", "keys", index, "models"), key, names)
    for index, route in enumerate(config.routes):
        yield from check_route(("routes", index), route, names)
        if route.name in {other.name for other in config.routes[:index]}:
            yield ("routes", index, "name"), "is also the name of an earlier route"


def check_model(name: str, model: Model, names: Names) -> Iterator[Finding]:
    path: Path = ("models", name)
    yield from names.policy((*path, "policy"), model.policy)
    yield from check_strong((*path, "policy"), model, names)
    yield from check_tiers((*path, "deployments"), model, names)
    for key in FALLBACKS:
        listed: list[str] = getattr(model, key)
        for index, other in enumerate(listed):
            here = (*path, key, index)
            yield from names.model(here, other)
            if other == name:
                yield here, "a model cannot be its own fallback"
            if other in listed[:index]:
                yield here, "listed twice"


def check_strong(path: Path, model: Model, names: Names) -> Iterator[Finding]:
    """A policy that names strong deployments is of use to models that have one."""
    strong = names.strong.get(model.policy, ())
    if strong and not any(name in strong for tier in model.tiers for name in tier):
        yield path, f'none of its deployments is strong by policy "{model.policy}": {", ".join(strong)}'


def check_tiers(path: Path, model: Model, names: Names) -> Iterator[Finding]:
    if not model.deployments:
        yield path, "is empty: name at least one deployment"
    seen: set[str] = set()
    for index, tier in enumerate(model.deployments):
        if not tier:
            yield (*path, index), "is empty: name at least one deployment"
        for position, name in enumerate(tier) if isinstance(tier, list) else [(None, tier)]:
            here = (*path, index) if position is None else (*path, index, position)
            yield from names.deployment(here, name)
            if name in seen:
                yield here, "listed twice"
            seen.add(name)


def check_aliases(config: Config, names: Names) -> Iterator[Finding]:
    owners: dict[str, str] = {}
    for name, model in config.models.items():
        for index, alias in enumerate(model.aliases):
            path: Path = ("models", name, "aliases", index)
            if alias == "*":
                yield path, 'cannot be "*": that names the catch-all model'
            elif alias in names.models:
                yield path, f"{names.source.show(path, alias)} is a model"
            elif alias in owners:
                yield path, f'{names.source.show(path, alias)} is an alias of "{owners[alias]}" too'
            owners.setdefault(alias, name)


def check_grants(path: Path, key: Key, names: Names) -> Iterator[Finding]:
    """A pattern that nothing matches is a slip, unless a catch-all model takes any name."""
    known = [*names.models, *names.aliases]
    if "*" in known:
        return
    for index, pattern in enumerate(key.models):
        here = (*path, index)
        if not any(fnmatchcase(name, pattern) for name in known):
            yield here, f"no model matches {names.source.show(here, pattern)}{suggest(pattern, names.models)}"


def check_route(path: Path, route: Route, names: Names) -> Iterator[Finding]:
    if route.to and route.split:
        yield path, "to and split exclude each other"
    if not (route.to or route.split or route.mirror):
        yield path, "needs to, split or mirror"
    if route.to and not (route.to.model or route.to.policy):
        yield (*path, "to"), "needs model or policy"
    if route.to and route.to.model:
        yield from names.model((*path, "to", "model"), route.to.model)
    if route.to and route.to.policy:
        yield from names.policy((*path, "to", "policy"), route.to.policy)
    for name in route.split:
        yield from names.model((*path, "split", name), name)
    if route.mirror:
        yield from names.model((*path, "mirror", "model"), route.mirror.model)
