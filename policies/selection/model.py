"""What a decision reads and returns: a model with its tiers and policy, the snapshot, and the plan."""

from collections.abc import Mapping

import msgspec

from policies.load.candidate import Candidate
from policies.selection.profile import Policy
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import RecoveryRules


class Model(msgspec.Struct, frozen=True):
    """A public name: tiers of candidates tried in order, the policy that ranks within a tier, and other models to try.

    ``timeouts``, by deployment: the defaults, the deployment's and the model's own, folded. ``total``: seconds.
    """

    name: str
    tiers: tuple[tuple[Candidate, ...], ...]
    policy: Policy
    timeouts: Mapping[str, Timeouts]
    total: float
    fallbacks: tuple[str, ...] = ()
    context_window_fallbacks: tuple[str, ...] = ()
    content_policy_fallbacks: tuple[str, ...] = ()
    recovery: RecoveryRules | None = None  # None: a stream that dies has nowhere to go on
    needs: frozenset[Need] = NOTHING  # what must be read of its requests beyond the ordinary
    places: tuple[Mapping[tuple[str, str], Candidate], ...] = ()  # each tier's candidates by id; (): to be looked for

    def windowed(self) -> tuple[Candidate, ...]:
        """One endpoint of each deployment that has a context window; its others have the same."""
        found = {c.deployment.name: c for tier in self.tiers for c in tier if c.deployment.context_window is not None}
        return tuple(found.values())


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """The world at one instant. Live loads are read through it in one synchronous tick, so they are consistent."""

    now: float
    models: Mapping[str, Model]


class Plan(msgspec.Struct, frozen=True, gc=False):
    """Where the next attempt goes, or None and why. ``considered``: candidates that passed the filters. ``signal``: of
    the degradation ladder, what the choice was read from (see policies/selection/signals.py)."""

    candidate: Candidate | None
    tier: int = 0
    considered: int = 0
    full: bool = False  # nothing was left but places at their concurrency limit
    signal: Signal | None = None
