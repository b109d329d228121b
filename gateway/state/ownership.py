"""Own engines. Rule: those whose hours are paid, busy or not; what has a price by the token is bought."""

from policies.load.candidate import Candidate


def is_own(candidate: Candidate) -> bool:
    return candidate.deployment.own and candidate.deployment.price is None
