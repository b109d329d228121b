"""Which endpoints are self-hosted, billed by the hour; anything priced per token counts as purchased."""

from policies.load.candidate import Candidate


def is_own(candidate: Candidate) -> bool:
    return candidate.deployment.own and candidate.deployment.price is None
