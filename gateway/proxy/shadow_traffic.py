"""Shadow traffic: a copy of a request whose answer is recorded and discarded; it delays and fails nothing.

It is a journey like any other, but for its answer, and for its count, which is its own.
"""

# compiled

import asyncio
from typing import ClassVar

from backends.contract.facts import Facts
from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key
from gateway.proxy.context import Gateway
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import Flow
from policies.attempts.outcome import Outcome
from policies.selection.model import Model
from policies.vocabulary.failure import Fault

MOST = 64  # under way at once: a slow mirror costs copies, never memory


class Discard:
    """An answer that is dropped."""

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
    """The journey of a copy, to the model a route names. It does not queue: that would take a caller's turn."""

    __slots__ = ("_shadows",)

    queues: ClassVar[bool] = False

    def __init__(
        self, shadows: "ShadowTraffic", gateway: Gateway, catalog: Catalog, head: RequestHead, key: Key, model: Model
    ) -> None:
        """``catalog``: the one whose route wants the copy. It is not admitted: the request it copies was."""
        outcome = Outcome(head.id or gateway.new_id(), head.family.name, clock.now())
        super().__init__(gateway, head, Discard(), outcome)
        self.catalog = catalog
        self.key, outcome.key = key, key.name
        self.model = model
        self._shadows = shadows

    def _resolve(self, facts: Facts, seed: int) -> Model | ErrorResponse:
        return self.model

    def is_at(self, deployments: set[str]) -> bool:
        """Whether its attempt is at one of these deployments."""
        return self._attempt is not None and self._attempt.candidate.id[0] in deployments

    def conclude(self, fault: Fault | None, now: float | None = None) -> None:
        outcome, gateway = self.outcome, self.gateway
        outcome.fault, outcome.finished, outcome.mirror = fault, now or clock.now(), True
        self._failover = None
        self._shadows.journeys.discard(self)
        gateway.metrics.copied(outcome)
        if gateway.log.info:
            gateway.log.request(outcome)
        gateway.keep(outcome)


class ShadowTraffic:
    """The copies under way."""

    def __init__(self) -> None:
        self.journeys: set[ShadowJourney] = set()

    def send(self, gateway: Gateway, catalog: Catalog, head: RequestHead, key: Key, body: bytes, model: str) -> None:
        """Send a copy to a model, after this tick; beyond the most at once it is left out."""
        if len(self.journeys) >= MOST:
            gateway.metrics.mirror("dropped")
            return
        found = catalog.model(model)
        assert found is not None  # the configuration was checked
        journey = ShadowJourney(shadows=self, gateway=gateway, catalog=catalog, head=head, key=key, model=found)
        self.journeys.add(journey)
        asyncio.get_running_loop().call_soon(journey.run, body, clock.now())

    def displace(self, model: Model) -> bool:
        """A request finds every endpoint of the model taken: copies give theirs up. Whether any did."""
        deployments = {each.name for each in model.deployments}
        held = [journey for journey in self.journeys if journey.is_at(deployments)]
        for journey in held:
            journey.leave()
        return bool(held)

    def close(self) -> None:
        for journey in list(self.journeys):
            journey.leave()
