"""Configured policies: a name becomes a preset, or the parts that the file composes."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from gateway.config.policy import PolicySpec
from gateway.config.schema import Config
from policies.learning.slo.estimate import USUAL as USUAL_SLO
from policies.learning.slo.estimate import Slo
from policies.load.candidate import Candidate
from policies.selection.filters import Capable, Filter, FitsContext, WithinRate
from policies.selection.model import Model
from policies.selection.pickers import Best
from policies.selection.presets import preset
from policies.selection.profile import USUAL, Policy
from policies.selection.scorers import Quality, Scorer
from policies.vocabulary.needs import Need


def named(config: Config, name: str) -> Policy:
    """A preset by its own name, or by the kind of a named policy, or a composition."""
    spec = config.policies.get(name) or PolicySpec(kind=name)
    if spec.kind:
        policy = preset(spec.kind)
        assert policy is not None  # the configuration was checked
    else:
        policy = Policy(
            name,
            tuple(spec.scorers),
            spec.pick or Best(),
            spec.sample or 0,
            filters=(Capable(), *(part for part in spec.filters or USUAL if part != Capable())),
        )
    return replace(policy, scorers=tuple(_with(each, spec.options) for each in policy.scorers))


def service_level(config: Config, policy: str) -> Slo:
    """What is in time under a policy of that name: as it says, else the usual."""
    spec = config.policies.get(policy)
    return (spec.target if spec is not None else None) or USUAL_SLO


def _with(scorer: Scorer, options: Mapping[str, object]) -> Scorer:
    """The scorer with those of a policy's options that are its own."""
    return replace(scorer, **{key: value for key, value in options.items() if key in scorer.__struct_fields__})


def fitted(policy: Policy, candidates: Sequence[Candidate]) -> Policy:
    """A preset with the filters that these deployments' own limits call for; a composition names its own. Where
    `quality` names no strong deployment, the one listed last is."""
    last = tuple(c.id[0] for c in candidates[-1:])
    policy = replace(policy, scorers=tuple(_with_strong(each, last) for each in policy.scorers))
    if preset(policy.kind) is None:
        return policy
    extra: list[Filter] = []
    if any(c.deployment.context_window is not None for c in candidates):
        extra.append(FitsContext())
    limits = (c.deployment for c in candidates)
    if any(each.metered or each.rpm is not None or each.tpm is not None for each in limits):
        extra.append(WithinRate())
    return replace(policy, filters=(*policy.filters, *extra)) if extra else policy


def _with_strong(scorer: Scorer, deployments: tuple[str, ...]) -> Scorer:
    if not isinstance(scorer, Quality) or scorer.difficulty.strong:
        return scorer
    return replace(scorer, difficulty=replace(scorer.difficulty, strong=deployments))


def needs(policy: Policy, candidates: Sequence[Candidate]) -> frozenset[Need]:
    """What must be read of requests beyond the ordinary: where what is cached has a price of its own and costs are
    compared, also what is cached."""
    prices = [c.deployment.price for c in candidates]
    cheaper = any(price is not None and price.cached_input not in (None, price.input) for price in prices)
    found = policy.needs - {"speed"}
    return found | {"prefix"} if cheaper and "expected_output" in found else found


def with_needs(model: Model, models: Mapping[str, Model]) -> Model:
    """The model, with the needs of those that it may fall back to: they are asked with the same request."""
    others = (*model.fallbacks, *model.context_window_fallbacks, *model.content_policy_fallbacks)
    needs = model.needs.union(*(models[other].needs for other in others if other in models))
    return replace(model, needs=needs)
