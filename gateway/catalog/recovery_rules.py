"""The recovery settings of a model: its own override the defaults; impossible ones are dropped, so that they cost its
streams nothing.
"""

from collections.abc import Iterable, Mapping

from gateway.config.deployment import Deployment
from gateway.config.deployment import Model as ModelConfig
from gateway.config.limits import Defaults
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.vocabulary.types import Mode, RecoveryRules


def rules(defaults: Defaults, model: ModelConfig, tiers: tuple[tuple[Candidate, ...], ...]) -> RecoveryRules | None:
    """How streams of a model are recovered; None: not at all, or there is no second place that could."""
    modes = defaults.recovery if model.recovery is None else model.recovery
    anywhere = (model.realign or defaults.realign) == "always"
    restart = (model.reasoning or defaults.reasoning) == "restart"
    places = [place for tier in tiers for place in tier]
    weights = [place.deployment.weights for place in places]
    if not (modes or restart) or len(places) < 2:
        return None
    if not (restart or (anywhere and "realign" in modes)) and len(set(weights)) == len(weights):
        return None
    return RecoveryRules(tuple(Mode(mode) for mode in modes), anywhere, restart)


def holds_calls(defaults: Defaults, model: ModelConfig) -> bool:
    return defaults.hold_tool_calls if model.hold_tool_calls is None else model.hold_tool_calls


def continuing(models: Iterable[Model], deployments: Mapping[str, Deployment]) -> frozenset[tuple[str, str]]:
    """The endpoints worth asking whether they can continue a text."""
    return frozenset(
        place.id
        for model in models
        if model.recovery is not None and Mode.CONTINUE in model.recovery.modes
        for tier in model.tiers
        for place in tier
        if deployments[place.deployment.name].provider.continues
    )
