"""Configured policies: a name becomes a preset, or the parts that the file composes."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from gateway.config.policy import Filter, Pick, PolicySpec, Scorer
from gateway.config.schema import Config
from policies.learning.slo.estimate import USUAL, Target
from policies.selection.filters import FILTERS, Capable, FitsContext, Healthy, WithinRate
from policies.selection.filters import Filter as FilterPart
from policies.selection.model import Model
from policies.selection.pickers import PICKERS, Best
from policies.selection.presets import preset
from policies.selection.profile import Policy
from policies.selection.scorers import SCORERS, Quality, SloCost
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Deployment

Part = TypeVar("Part", bound=msgspec.Struct)


def named(config: Config, name: str) -> Policy:
    """A preset by its own name, or by the kind of a named policy, or a composition."""
    spec = config.policies.get(name)
    if spec is None or spec.kind:
        found = preset(spec.kind if spec is not None and spec.kind else name)
        assert found is not None  # the configuration was checked
        if spec is not None and spec.kind == "slo_cost":
            return replace(found, scorers=(SloCost(target=_target(spec)),))
        return _with_difficulty(found, spec)
    policy = Policy(
        name,
        tuple(_part(each, SCORERS) for each in spec.scorers),
        _part(spec.pick, PICKERS) if spec.pick else Best(),
        spec.sample or 0,
        filters=(Capable(), *(part for part in _filters(spec.filters) if part != Capable())),
    )
    return _with_difficulty(policy, spec)


def _target(spec: PolicySpec) -> Target:
    if spec.slo is None:
        return replace(USUAL, strict=spec.strict)
    slo = spec.slo
    return Target(slo.ttft, slo.per_1k_tokens or 0.0, slo.tpot, slo.quantile, spec.strict)


def _with_difficulty(policy: Policy, spec: PolicySpec | None) -> Policy:
    if spec is None or spec.difficulty is None:
        return policy
    given = spec.difficulty
    known = {"strong": tuple(given.strong), "share": given.share, "classifier": given.classifier or ""}
    if given.weights is not None:
        known["weights"] = given.weights
    return _with_quality(policy, **known)


def _with_quality(policy: Policy, **fields: object) -> Policy:
    """The policy with these fields of its `quality` scorer, where it has one."""
    scorers = tuple(replace(each, **fields) if isinstance(each, Quality) else each for each in policy.scorers)
    return replace(policy, scorers=scorers)


def fitted(policy: Policy, deployments: Sequence[Deployment]) -> Policy:
    """A preset with the filters that these deployments' own limits call for; a composition names its own. Where
    `quality` is not told which deployments are strong, the one listed last is."""
    if any(isinstance(each, Quality) and not each.strong for each in policy.scorers):
        policy = _with_quality(policy, strong=(deployments[-1].name,))
    if preset(policy.kind) is None:
        return policy
    extra: list[FilterPart] = []
    if any(each.context_window is not None for each in deployments):
        extra.append(FitsContext())
    if any(each.metered or each.rpm is not None or each.tpm is not None for each in deployments):
        extra.append(WithinRate())
    return replace(policy, filters=(*policy.filters, *extra)) if extra else policy


def needs(policy: Policy, deployments: Sequence[Deployment]) -> frozenset[Need]:
    """What must be read of requests beyond the ordinary: where what is cached has a price of its own and costs are
    compared, also what is cached."""
    prices = [each.price for each in deployments]
    cheaper = any(price is not None and price.cached_input not in (None, price.input) for price in prices)
    found = policy.needs - {"speed"}
    return found | {"prefix"} if cheaper and "expected_output" in found else found


def with_needs(model: Model, models: Mapping[str, Model]) -> Model:
    """The model, with the needs of those that it may fall back to: they are asked with the same request."""
    others = (*model.fallbacks, *model.context_window_fallbacks, *model.content_policy_fallbacks)
    needs = model.needs.union(*(models[other].needs for other in others if other in models))
    return replace(model, needs=needs)


def _filters(specs: Sequence[Filter]) -> list[FilterPart]:
    """The named filters; without any, those that every preset has."""
    return [_part(each, FILTERS) for each in specs] or [Capable(), Healthy()]


def _part(spec: Filter | Scorer | Pick, parts: Sequence[type[Part]]) -> Part:
    """The part of that kind, with those of the keys that are its own."""
    found = next(each for each in parts if each.__struct_config__.tag == spec.kind)
    given = {name: getattr(spec, name, None) for name in found.__struct_fields__}
    return found(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items() if v is not None})
