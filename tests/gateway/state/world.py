"""Live state that follows a topology made of deployments and addresses, without a configuration."""

from collections.abc import Iterable, Mapping

from gateway.state.endpoints import Topology
from gateway.state.live_state import LiveState
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.vocabulary.types import Deployment

RULES = BreakerRules(failures=2, open_for=10.0)


def following(
    addresses: Mapping[Deployment, Iterable[str]], *models: Model, live: LiveState | None = None
) -> LiveState:
    """It has these endpoints, and serves these models."""
    live = live or LiveState()
    live.follow(
        Topology(
            deployments={each.name: each for each in addresses},
            addresses={each.name: tuple(urls) for each, urls in addresses.items()},
            models=models,
            breaker=RULES,
            retry_budget=0.2,
            hedge_budget=0.02,
        )
    )
    return live


def serving(model: Model, candidates: Iterable[Candidate]) -> tuple[LiveState, list[Candidate]]:
    """A model of these candidates, and its own ones in their place."""
    held = list(candidates)
    live = following(
        {d: [c.id[1] for c in held if c.deployment is d or c.deployment == d] for d in model.deployments}, model
    )
    return live, [live.endpoints.all[c.id] for c in held]
