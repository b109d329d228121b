"""A request under way, as hedging, failover, stages and stream recovery see it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from backends.contract.adapter import Incoming
from backends.contract.families import Family
from gateway.catalog.catalog import Catalog
from gateway.catalog.keys import Key
from gateway.proxy.attempt import Attempt, Owner
from gateway.proxy.context import Gateway
from gateway.proxy.hold import Hold
from policies.attempts.machine import GiveUp
from policies.load.candidate import Candidate
from policies.selection.model import Model, Snapshot
from policies.vocabulary.failure import Fault


class InFlight(Owner, Protocol):
    """``model``: the one that serves it now; ``queues``: whether it may wait for a free endpoint."""

    gateway: Gateway
    catalog: Catalog
    family: Family
    given: Mapping[bytes, bytes]
    key: Key
    incoming: Incoming
    model: Model

    @property
    def queues(self) -> bool: ...

    def snapshot(self, now: float) -> Snapshot:
        """Live state as of ``now``, for one decision."""

    def go(self, now: float) -> None:
        """All is known of the request: plan, and send it."""

    def attempt(self, candidate: Candidate, model: Model, now: float) -> None:
        """Send it to an endpoint."""

    def count_on(self, attempt: Attempt, reason: str) -> None:
        """Another attempt is the one that counts now."""

    def account(self, attempt: Attempt, fault: Fault | None) -> None:
        """The attempt that counted is over."""

    def give_up(self, action: GiveUp) -> None:
        """Nothing more can be tried, unless an attempt beside the one that counted may still answer."""

    def conclude(self, fault: Fault | None, now: float | None = None) -> None:
        """It is over."""

    def hold(
        self, kind: str, seconds: float, late: Callable[[], None], cancel: Callable[[], object] | None = None
    ) -> Hold:
        """Wait until the hold ends, or ``late`` is called after ``seconds``; ``kind``: the label it is counted by."""

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        """Call; a defect ends this request alone."""
