"""The recovery settings of a model: its own override the defaults; impossible ones are dropped, so that they cost its
streams nothing.
"""

from collections.abc import Iterable, Mapping

from gateway.config.deployment import Deployment as DeploymentConfig
from gateway.config.deployment import Model as ModelConfig
from gateway.config.limits import Defaults
from policies.selection.model import Model
from policies.vocabulary.types import Deployment, Mode, RecoveryRules


def rules(
    defaults: Defaults,
    model: ModelConfig,
    deployments: Iterable[Deployment],
    addresses: Mapping[str, tuple[str, ...]],
) -> RecoveryRules | None:
    """How streams of a model are recovered; None: not at all, or there is no second place that could."""
    modes = defaults.recovery if model.recovery is None else model.recovery
    anywhere = (model.realign or defaults.realign) == "always"
    restart = (model.reasoning or defaults.reasoning) == "restart"
    weights = [each.weights for each in deployments for _ in addresses[each.name]]
    if not (modes or restart) or len(weights) < 2:
        return None
    if not (restart or (anywhere and "realign" in modes)) and len(set(weights)) == len(weights):
        return None
    return RecoveryRules(tuple(Mode(mode) for mode in modes), anywhere, restart)


def holds_calls(defaults: Defaults, model: ModelConfig) -> bool:
    return defaults.hold_tool_calls if model.hold_tool_calls is None else model.hold_tool_calls


def continuing(models: Iterable[Model], configured: Mapping[str, DeploymentConfig]) -> frozenset[str]:
    """The deployments whose endpoints are worth asking whether they can continue a text."""
    return frozenset(
        each.name
        for model in models
        if model.recovery is not None and Mode.CONTINUE in model.recovery.modes
        for each in model.deployments
        if configured[each.name].provider.continues
    )
