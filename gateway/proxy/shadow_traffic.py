"""Shadow traffic: a copy of a request whose answer is recorded and discarded; it delays and fails nothing.

It is a journey like any other, but for its answer, which is dropped, and for its count, which is its own.
"""

# compiled

from typing import TYPE_CHECKING

from backends.contract.facts import Facts
from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import Flow
from policies.attempts.machine import GiveUp
from policies.attempts.outcome import Outcome
from policies.selection.model import Model
from policies.vocabulary.failure import Fault

if TYPE_CHECKING:
    from gateway.proxy.context import Gateway


class Discard:
    """An answer to nobody."""

    flow: Flow | None = None

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        pass

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass

    def end(self) -> None:
        pass

    def abort(self) -> None:
        pass


class ShadowJourney(Journey):
    """The journey of a copy, to the model a route names."""

    __slots__ = ("_name",)

    def __init__(self, gateway: "Gateway", catalog: Catalog, preamble: RequestHead, key: Key, model: str) -> None:
        """``catalog``: the one whose route asked for the copy. It is not admitted: the request it copies was."""
        outcome = Outcome(gateway.request_id(preamble.given), preamble.family.name, clock.now())
        super().__init__(gateway, preamble, Discard(), outcome)
        self.catalog = catalog
        self._key, outcome.key = key, key.name
        self._name = model

    def _find(self, facts: Facts, seed: int) -> Model | ErrorResponse:
        model = self.catalog.model(self._name)
        assert model is not None  # the configuration was checked
        return model

    def is_at(self, deployments: set[str]) -> bool:
        """Whether its attempt is at one of these deployments."""
        return self._attempt is not None and self._attempt.candidate.deployment.name in deployments

    def settle_for(self, action: GiveUp) -> None:
        """A copy that finds no place is given up: in line it would take a caller's turn."""
        self.give_up(action)

    def conclude(self, fault: Fault | None, now: float | None = None) -> None:
        outcome, gateway = self.outcome, self.gateway
        outcome.fault, outcome.finished, outcome.mirror = fault, now or clock.now(), True
        gateway.mirrors.discard(self)
        gateway.metrics.copied(outcome)
        if gateway.log.info:
            gateway.log.request(outcome)
        gateway.keep(outcome)
