"""What a decision reads and returns: a model with its tiers and policy, the snapshot, and the plan."""

from collections.abc import Iterable, Mapping

import msgspec

from policies.load.candidate import Candidate
from policies.selection.profile import Policy
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Deployment, RecoveryRules

SEPARATOR = "\0"  # between the keys of a tier's deployments
Id = tuple[str, str]  # deployment, url


class Tier(msgspec.Struct, frozen=True):
    """Deployments that are ranked together. ``key``: theirs, joined; by it a snapshot tells the tier's endpoints."""

    key: str
    deployments: tuple[Deployment, ...]

    @classmethod
    def of(cls, deployments: Iterable[Deployment]) -> "Tier":
        held = tuple(deployments)
        return cls(SEPARATOR.join(each.key for each in held), held)


class Members(msgspec.Struct, frozen=True, gc=False):
    """The endpoints of a tier that take requests, in the order of its deployments."""

    all: tuple[Candidate, ...]
    by_id: Mapping[Id, Candidate]

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> "Members":
        by_id = {each.id: each for each in candidates}
        return cls(tuple(by_id.values()), by_id)


class Model(msgspec.Struct, frozen=True):
    """A public name: tiers of deployments tried in order, the policy that ranks within a tier, and other models to try.
    It is made of the configuration alone: which endpoints a tier has just now, a snapshot says.

    ``timeouts``, by deployment: the defaults, the deployment's and the model's own, folded. ``total``: seconds.
    """

    name: str
    tiers: tuple[Tier, ...]
    policy: Policy
    timeouts: Mapping[str, Timeouts]
    total: float
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_policy_fallbacks: tuple[str, ...] = ()
    recovery: RecoveryRules | None = None  # None: a stream that dies has nowhere to go on
    needs: frozenset[Need] = NOTHING  # what must be read of its requests beyond the ordinary

    @property
    def deployments(self) -> list[Deployment]:
        """Those of all tiers, in their order."""
        return [each for tier in self.tiers for each in tier.deployments]


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The world at one instant. Live loads are read through it in one synchronous tick, so they are consistent."""

    now: float
    models: Mapping[str, Model]
    tiers: Mapping[str, Members]  # by a tier's key

    def endpoints(self, model: Model) -> list[Candidate]:
        """Those of all its tiers that take requests."""
        return [each for tier in model.tiers for each in self.tiers[tier.key].all]


class Plan(msgspec.Struct, frozen=True, gc=False):
    """Where the next attempt goes, or None and why. ``considered``: candidates that passed the filters. ``signal``: of
    the degradation ladder, what the choice was read from (see policies/selection/signals.py)."""

    candidate: Candidate | None
    tier: int = 0
    considered: int = 0
    full: bool = False  # nothing was left but places at their concurrency limit
    signal: Signal | None = None
