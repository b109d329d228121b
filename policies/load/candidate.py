"""A candidate: one endpoint of a deployment with its live load, which policies choose among."""

import msgspec

from policies.learning.learners.rate import Rates
from policies.learning.slo.gpu_price import ShadowPrice
from policies.load.load import Domain, Load
from policies.vocabulary.types import Deployment


class Pool(msgspec.Struct):
    """Live counts of a deployment's requests over all its endpoints: what ``max_concurrency``, ``rpm`` and ``tpm``
    limit. ``rates``: kept only where there is a limit."""

    in_flight: int = 0
    rates: Rates | None = None
    shadow: ShadowPrice | None = None  # of engines of the user's own, where a policy weighs it
    work: float = 0.0  # GPU-seconds of what is in flight there, as foretold


class Candidate(msgspec.Struct, frozen=True):
    """One endpoint of a deployment with its live load: what a policy chooses among."""

    id: tuple[str, str]  # deployment, url
    deployment: Deployment
    load: Load
    domain: Domain
    pool: Pool
    mark: int = 0  # 64 bits that stand for the id, the same in every process: what conversations are hashed to
