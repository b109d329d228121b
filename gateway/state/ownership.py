"""Which endpoints are self-hosted, billed by the hour; anything priced per token counts as purchased."""

from policies.vocabulary.types import Deployment


def is_own(deployment: Deployment) -> bool:
    return deployment.own and deployment.price is None
