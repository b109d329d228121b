"""A simulation: one policy, one trace, one pool and one seed give the same run every time."""

from collections.abc import Callable

import msgspec

from backends.providers.provider import Provider
from gateway.catalog.ownership import pool_usd
from gateway.catalog.policy_compiler import service_level
from gateway.config import Config
from gateway.config.deployment import SCRAPE
from gateway.simulate.event_queue import Agenda
from gateway.simulate.results import Tally
from gateway.simulate.simulated_pool import Options, compile_pool, places
from gateway.simulate.simulated_request import FAMILY, Attempt, Journey
from gateway.simulate.trace import Arrival, Trace
from gateway.simulate.upstream_models import OwnReplica
from gateway.state.live_state import LiveState
from policies.selection.model import Snapshot
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.failure import Failure
from policies.vocabulary.hashing import scramble
from policies.vocabulary.types import Request, Usage

HOUR = 3600.0


class Simulation:
    """Everything that one run needs; ``run`` it once."""

    def __init__(self, config: Config, policy: str, trace: Trace, options: Options, seed: int) -> None:
        self.agenda = Agenda()
        self.live = LiveState()
        self.catalog, self.model = compile_pool(config, self.live, options, policy)
        self._models = {**self.catalog.models, self.model.name: self.model}
        self.places = places(self.catalog, trace, options, self.agenda)
        self.tally = Tally(service_level(config, policy))
        self.trace = trace
        self.ended = 0.0
        self.unanswered = 0  # requests that failed before their first token
        self._seed = scramble(seed)
        self._under_way = 0
        self._own = [(id, place) for id, place in self.places.items() if isinstance(place, OwnReplica)]
        self.live.probed = {id for id, _ in self._own if self._provider(id).health}

    def run(self, progress: Callable[[int], None]) -> None:
        """Play the trace to the end of its last answer; ``progress`` is told how many requests have arrived."""
        self._prepare()
        agenda = self.agenda
        for number, arrival in enumerate(self.trace.arrivals):
            agenda.run_until(arrival.at)
            self._arrive(arrival, number)
            if number % 256 == 0:
                progress(number)
        while self._under_way and agenda.step():
            pass
        self.ended = agenda.now
        progress(len(self.trace.arrivals))

    def snapshot(self) -> Snapshot:
        return Snapshot(self.agenda.now, self._models)

    def pool_usd(self) -> float:
        """What the own endpoints cost while the run lasted."""
        return pool_usd(self.catalog.config) * self.ended / HOUR

    # What becomes of a journey

    def answered(self, attempt: Attempt, usage: Usage, now: float) -> None:
        """It has its last token."""
        self._under_way -= 1
        journey, deployment = attempt.journey, attempt.candidate.deployment
        self.tally.completed(journey.arrival, attempt.cached, journey.came, attempt.first_at, now)
        if not isinstance(self.places[attempt.candidate.id], OwnReplica):
            self.tally.spilled += 1
            if deployment.price is not None:
                self.tally.cloud_usd += usage.cost(deployment.price)

    def concluded(self, journey: Journey, failure: Failure, answered: bool) -> None:
        """It was refused, or broke; ``answered``: after its first token."""
        self._under_way -= 1
        self.unanswered += not answered
        self.tally.refused(failure)

    def request(self, arrival: Arrival, number: int) -> Request:
        """An arrival as the gateway would see it now."""
        name, now = self.model.name, self.agenda.now
        seed = scramble(self._seed + number)
        turn, output = next(self.live.turns[name]), self.live.expect(name)
        request = Request(
            family=FAMILY,
            model=name,
            stream=True,
            prompt_tokens=arrival.prompt_tokens,
            received=now,
            seed=seed,
            sequence=turn,
            expected_output=output,
        )
        if arrival.conversation:
            request = msgspec.structs.replace(request, conversation=scramble(arrival.conversation))
        needs = self.model.needs | self.model.policy.needs
        if arrival.blocks and "prefix" in needs:  # who does not ask is not told, and so cannot draw from who holds them
            request = self.live.placed(request, arrival.blocks, self.trace.block)
        return self.live.foreseen(request, self.model) if "foresight" in needs else request

    def _arrive(self, arrival: Arrival, number: int) -> None:
        self._under_way += 1
        self.tally.arrived(arrival)
        Journey(self, arrival, self.request(arrival, number)).begin()

    # What befalls the pool, and what is seen of it

    def _prepare(self) -> None:
        for number, (id, place) in enumerate(self._own):
            if id not in self.live.probed:
                continue
            interval = self.catalog.config.deployments[id[0]].scrape or SCRAPE
            self.agenda.at(interval * number / len(self._own), self._scrape, (id, place, interval))
        for slowdown in self.trace.slow:
            if slowdown.replica < len(self._own):
                place = self._own[slowdown.replica][1]
                self.agenda.at(slowdown.at, lambda now, given: given[0].slow(given[1], now), (place, slowdown.times))
        for outage in self.trace.outages:
            if outage.replica < len(self._own):
                place = self._own[outage.replica][1]
                self.agenda.at(outage.at, lambda now, given: given.die(now), place)
                self.agenda.at(outage.at + outage.lasts, lambda now, given: given.revive(), place)

    def _scrape(self, now: float, given: tuple[tuple[str, str], OwnReplica, float]) -> None:
        """The prober's look: health and load, at its interval."""
        id, place, interval = given
        self.live.healthy(id, not place.dead)
        if not place.dead and self._provider(id).metrics:
            replica = place.replica
            room = float(replica.profile.num_blocks * replica.profile.block_size)
            seen = EngineLoad(
                float(replica.running), float(replica.waiting), replica.kv_usage, sleeping=False, kv_tokens=room
            )
            self.live.scraped(id, seen, now)
        self.agenda.at(now + interval, self._scrape, given)

    def _provider(self, id: tuple[str, str]) -> Provider:
        return self.catalog.config.deployments[id[0]].provider
