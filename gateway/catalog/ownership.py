"""Own or purchased: which deployments are engines of the user's own, and what those cost by the hour.

An engine of one's own is paid by the hour, busy or not; what has a price by the token is purchased.
"""

from gateway.catalog.prices import price
from gateway.config.deployment import Deployment
from gateway.config.schema import Config


def is_own(deployment: Deployment, config: Config) -> bool:
    """Self-hosted, or of a stated cost by the hour; and without a price by the token."""
    hourly = deployment.provider.self_hosted or deployment.cost is not None
    return hourly and price(deployment, config) is None


def own(config: Config) -> dict[str, Deployment]:
    """The deployments that are the user's own, by name."""
    return {name: each for name, each in config.deployments.items() if is_own(each, config)}


def pool_usd(config: Config, replicas: int | None = None) -> float:
    """USD an hour of all endpoints of the own deployments, ``replicas`` of each where that is given."""
    return sum(hourly_usd(each, replicas) for each in own(config).values())


def hourly_usd(deployment: Deployment, replicas: int | None = None) -> float:
    """USD an hour of a deployment's endpoints; 0 where no cost is stated."""
    count = replicas or len(deployment.addresses) or deployment.replicas or 1
    return deployment.cost.per_hour * count if deployment.cost is not None else 0.0
