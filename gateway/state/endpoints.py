"""The registry of endpoints: which there are, which of them take requests, and the live objects of each.

An endpoint is known by deployment and address. It appears, drains and vanishes while the gateway serves; a reload takes
the same steps. A decision reads the registry through ``tiers``: a view by tier, put together again after a change only.
"""

from collections import OrderedDict
from collections.abc import Mapping

import msgspec

from gateway.state.shared import SharedState
from policies.learning.learners.rate import Rates
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate, Pool
from policies.load.load import Load
from policies.selection.model import SEPARATOR, Id, Members, Model
from policies.vocabulary.hashing import digest
from policies.vocabulary.types import Deployment

MOST = 1024  # tiers of which a view is kept: clients' steering makes more than the configuration names
PAST = 1024  # endpoints that vanished, of which what was learned is kept


class Topology(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration says of live state. ``addresses``: the URLs of each deployment; ``models``: under each
    policy that they may be asked by; ``retry_budget`` and ``hedge_budget``: shares of the requests."""

    deployments: Mapping[str, Deployment]
    addresses: Mapping[str, tuple[str, ...]]
    models: tuple[Model, ...] = ()
    breaker: BreakerRules = BreakerRules()
    retry_budget: float
    hedge_budget: float


class TierViews(dict[str, Members]):
    """The members of each tier, by its key; put together when first asked for."""

    def __init__(self, opened: Mapping[str, tuple[Candidate, ...]]) -> None:
        self._opened = opened  # by a deployment's key

    def __missing__(self, key: str) -> Members:
        if len(self) >= MOST:
            self.clear()
        found = Members.of(c for each in key.split(SEPARATOR) for c in self._opened.get(each, ()))
        self[key] = found
        return found


class Endpoints:
    """``all``: by id, those that drain among them. ``by_deployment``: the same; empty where a deployment has none."""

    def __init__(self, shared: SharedState) -> None:
        self.all: dict[Id, Candidate] = {}
        self.by_deployment: dict[str, tuple[Candidate, ...]] = {}
        self.pools: dict[str, Pool] = {}
        self.draining: set[Id] = set()
        self._shared = shared
        self._topology: Topology | None = None
        self._configured: set[Id] = set()
        self._past: OrderedDict[Id, Candidate] = OrderedDict()
        self._opened: dict[str, tuple[Candidate, ...]] = {}  # by a deployment's key, those that take requests
        self._former: dict[str, tuple[Candidate, ...]] = {}  # of keys that the last reload changed: see ``_view``
        self.tiers = TierViews(self._opened)

    @property
    def loads(self) -> dict[Id, Load]:
        """By id, as they are now."""
        return {id: candidate.load for id, candidate in self.all.items()}

    def follow(self, topology: Topology) -> set[Id]:
        """Have the endpoints that a configuration names, and those added since to deployments that it still has; the
        others vanish: which."""
        before, self._topology = self.all, topology
        added = [id for id in before if id not in self._configured and id[0] in topology.deployments]
        ids = [(name, url) for name, urls in topology.addresses.items() for url in urls]
        self.pools = {name: p for name, p in self.pools.items() if name in topology.deployments or p.in_flight}
        self.all = {id: self._made(id, before.get(id)) for id in dict.fromkeys([*ids, *added])}
        self._configured = set(ids)
        gone = before.keys() - self.all.keys()
        for id in gone:
            self._bury(before[id])
        keys = {each.key for each in topology.deployments.values()}
        self._former = {key: members for key, members in self._opened.items() if key not in keys | self._former.keys()}
        self._opened.clear()
        self.by_deployment.clear()
        held: dict[str, list[Candidate]] = {name: [] for name in topology.deployments}
        for candidate in self.all.values():
            held[candidate.id[0]].append(candidate)
        for name, members in held.items():
            self._view(name, tuple(members))
        self._tidy()
        return gone

    def add(self, deployment: str, url: str) -> Candidate:
        """An endpoint of a deployment that the configuration names; one that drains takes requests again.

        Raises:
            KeyError: it names no such deployment.
        """
        id = (deployment, url)
        self.draining.discard(id)
        if id not in self.all:
            self.all[id] = self._made(id, None)
        self._changed(deployment)
        return self.all[id]

    def drain(self, id: Id) -> None:
        """No new attempts; those under way finish.

        Raises:
            KeyError: there is no such endpoint.
        """
        self.draining.add(self.all[id].id)
        self._changed(id[0])

    def remove(self, id: Id) -> None:
        """It is gone: no new attempts, and nothing tells of it. What was learned is kept for when it comes back.

        Raises:
            KeyError: there is no such endpoint.
        """
        self._bury(self.all.pop(id))
        self._changed(id[0])

    def knows(self, id: Id) -> bool:
        """Whether something learned of it is kept."""
        return id in self.all or id in self._past

    def _made(self, id: Id, old: Candidate | None) -> Candidate:
        topology = self._topology
        assert topology is not None  # endpoints come after a configuration
        deployment, old = topology.deployments[id[0]], old or self._past.pop(id, None)
        load = old.load if old is not None else Load(topology.breaker)
        load.obey(topology.breaker)
        credential = f"{deployment.account} {id[1]}"
        key = f"quota:{deployment.quota}" if deployment.quota else f"{credential} {deployment.model}"
        domain = self._shared.domain(key, credential, topology.retry_budget)
        return Candidate(
            id=id, deployment=deployment, load=load, domain=domain, pool=self._pool(deployment), mark=digest(*id)
        )

    def _pool(self, deployment: Deployment) -> Pool:
        """The rate is counted where there is a limit."""
        pool = self.pools.setdefault(deployment.name, Pool())
        limited = deployment.rpm is not None or deployment.tpm is not None
        pool.rates = (pool.rates or Rates()) if limited else None
        return pool

    def _bury(self, candidate: Candidate) -> None:
        self.draining.discard(candidate.id)
        self._past[candidate.id] = candidate
        if len(self._past) > PAST:
            self._past.popitem(last=False)
            self._tidy()

    def _tidy(self) -> None:
        self._shared.keep({c.domain.key for known in (self.all, self._past) for c in known.values()})

    def _changed(self, name: str) -> None:
        self._view(name, tuple(c for c in self.all.values() if c.id[0] == name))

    def _view(self, name: str, members: tuple[Candidate, ...]) -> None:
        assert self._topology is not None
        self.by_deployment[name] = members
        self._opened[self._topology.deployments[name].key] = tuple(c for c in members if c.id not in self.draining)
        for key, former in self._former.items():  # requests begun before it go on where they may, as they were begun
            self._opened[key] = tuple(c for c in former if c.id in self.all and c.id not in self.draining)
        self.tiers.clear()
