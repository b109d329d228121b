"""The attempt state machine: events in, actions out, no I/O. The live proxy and the simulator both drive it.

    first -> Plan(candidate | None): where a request goes that meets no difficulty; it needs no machine
    start -> Start(candidate) | Wait(seconds) | GiveUp
    failed(fault) -> Start(candidate) | Wait(seconds) | GiveUp(fault)        resume (after a Wait) -> any of them

It ends: every failure spends a retry of its deployment or shuts out what failed, and there are MAX_ATTEMPTS at most.
"""

import msgspec

from policies.attempts.verdict import VERDICTS, Verdict
from policies.load.candidate import Candidate
from policies.selection.model import Model, Plan, Snapshot
from policies.selection.plan import Exclusions, cooled_in, last_resort, over_rate, plan, sole, too_long
from policies.vocabulary.failure import ENDPOINT_FAULTS, Failure, Fault, Progress
from policies.vocabulary.limits import RetryRules
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

MAX_ATTEMPTS = 16
PAUSE = 1.0  # seconds: when to come back, where nobody says


class Start(msgspec.Struct, frozen=True, gc=False):
    """Send the request here. ``model`` is the one this place serves it under (a fallback has its own limits)."""

    candidate: Candidate
    model: Model
    signal: str = ""  # what the choice was read from


class Wait(msgspec.Struct, frozen=True):
    """Sleep, then ``resume``."""

    seconds: float


class GiveUp(msgspec.Struct, frozen=True):
    """Tell the client. ``retry_after``: seconds after which a place may be back, where that is known."""

    fault: Fault
    retry_after: float | None = None


Action = Start | Wait | GiveUp


def first(request: Request, model: Model, snapshot: Snapshot) -> Plan:
    """The place a Machine would start at, where the model itself has one; a Machine is made when that attempt fails,
    or when there is none."""
    choice = sole(request, model, snapshot.now) or plan(request, model, snapshot)
    if choice.candidate is not None:
        choice.candidate.domain.budget.request(snapshot.now)
    return choice


class Machine:
    """One request's attempts. ``deadline`` is monotonic seconds; ``begun``: the ``first`` one, where it has started."""

    __slots__ = (
        "_attempts",
        "_exclusions",
        "_fault",
        "_last",
        "_model",
        "_models",
        "_resorted",
        "_retries",
        "_silent",
        "_waits",
        "deadline",
        "request",
        "rules",
    )

    def __init__(
        self, request: Request, model: Model, rules: RetryRules, deadline: float, begun: Candidate | None = None
    ) -> None:
        self.request = request
        self.rules = rules
        self.deadline = deadline
        self._model = model
        self._models: list[str] = list(model.fallbacks)
        self._exclusions: Exclusions | None = None  # built at the first failure
        self._retries: dict[str, int] = {}
        self._silent: set[tuple[str, str]] = set()
        self._last = begun
        self._fault: Fault | None = None
        self._attempts = 0 if begun is None else 1
        self._waits = 0  # before the first attempt
        self._resorted = False  # health ruled every place out, and one was tried all the same

    def start(self, snapshot: Snapshot) -> Action:
        """The first attempt. Where health rules out every place of every model, one is tried all the same; where they
        only cool after a rate limit, or have one of their own, it is waited out if the rules allow it. That a prompt
        is too long is only our estimate: where no larger model is named, the largest place is asked."""
        model, models = self._model, list(self._models)
        if model.context_window_fallbacks and too_long(self.request, model, snapshot):
            self._models = [*model.context_window_fallbacks, *models]
        action = self._forward(snapshot)
        if isinstance(action, Start):
            return action
        self._model, self._models = model, models  # what is resumed begins here again
        if action.fault.failure is not Failure.NO_ENDPOINT:
            return action
        candidate = last_resort(self.request, model, snapshot) or too_long(self.request, model, snapshot)
        cooled = cooled_in(self.request, model, snapshot) or over_rate(self.request, model, snapshot)
        if candidate is not None:
            self._resorted = True
            return self._begin(candidate)
        if cooled is None:
            return action
        seconds = cooled + self._backoff(self._waits)  # all who wait see the same end of the cooling
        if self._waits < self.rules.attempts and self._may_wait(cooled, seconds, snapshot.now):
            self._waits += 1
            return Wait(seconds)
        return GiveUp(Fault(Failure.RATE_LIMITED, f"every place of model '{model.name}' is at its rate limit"), cooled)

    def failed(self, fault: Fault, progress: Progress, snapshot: Snapshot) -> Action:
        """What follows the failure of the attempt last started."""
        verdict = VERDICTS[fault.failure, progress]
        if verdict is Verdict.STOP or self._last is None:
            return self._give_up(fault, snapshot.now)
        if snapshot.now >= self.deadline or self._attempts >= MAX_ATTEMPTS:
            return self._give_up(fault, snapshot.now)
        if self._resorted and fault.failure in ENDPOINT_FAULTS:
            return self._exhausted(False, snapshot.now)
        self._fault = fault
        if self._exclusions is None:
            self._exclusions = Exclusions()
        match verdict:
            case Verdict.RATE:
                return self._rate_limited(fault, self._last, snapshot)
            case Verdict.RETRY:
                return self._retry_once(self._last, snapshot)
            case Verdict.NEXT:
                self._exclusions.endpoints.add(self._last.id)
                return self._forward_or_wait(self._last, snapshot)
            case Verdict.SILENT:
                self._exclusions.endpoints.add(self._last.id)
                self._silent.add(self._last.id)
            case Verdict.ELSEWHERE:
                self._exclusions.deployments.add(self._last.deployment.name)
            case Verdict.LARGER:
                self._models = list(self._model.context_window_fallbacks)
                self._exclusions.deployments.update(c.deployment.name for tier in self._model.tiers for c in tier)
            case Verdict.MILDER:
                self._models = list(self._model.content_policy_fallbacks)
                self._exclusions.deployments.update(c.deployment.name for tier in self._model.tiers for c in tier)
        return self._forward(snapshot)

    def resume(self, snapshot: Snapshot) -> Action:
        """The wait is over: the same deployment again, or whatever else has come back."""
        if snapshot.now >= self.deadline:
            late = Fault(Failure.DEADLINE, "the request's time is up (timeouts.total)")
            return self._give_up(self._fault or late, snapshot.now)
        if self._last is None:
            return self.start(snapshot)
        return self._again(self._last, snapshot) or self._forward(snapshot)

    def replaced(self, candidate: Candidate) -> None:
        """The attempt last started has failed, and one that was under way beside it goes on in its place."""
        if self._exclusions is None:
            self._exclusions = Exclusions()
        if self._last is not None:
            self._exclusions.endpoints.add(self._last.id)
        self._last = candidate
        self._attempts += 1

    def _begin(self, candidate: Candidate, signal: Signal | None = None) -> Start:
        self._attempts += 1
        self._last = candidate
        return Start(candidate, self._model, signal or "")

    def _forward(self, snapshot: Snapshot) -> Start | GiveUp:
        """The next place: of this model, then of each fallback in turn."""
        full = False
        while True:
            choice = plan(self.request, self._model, snapshot, self._exclusions)
            if choice.candidate is not None:
                choice.candidate.domain.budget.request(snapshot.now)
                return self._begin(choice.candidate, choice.signal)
            full = full or choice.full
            model = self._next_model(snapshot)
            if model is None:
                return self._exhausted(full, snapshot.now)
            self._model = model

    def _next_model(self, snapshot: Snapshot) -> Model | None:
        while self._models:
            model = snapshot.models.get(self._models.pop(0))
            if model is not None:
                return model
        return None

    def _give_up(self, fault: Fault, now: float) -> GiveUp:
        """When to come back: as the upstream said; else when its domain is asked again, or after a pause."""
        seconds = fault.retry_after
        if seconds is None and fault.failure is Failure.OVERLOADED:
            seconds = PAUSE
        elif seconds is None and fault.failure is Failure.RATE_LIMITED and not fault.credential and self._last:
            seconds = max(PAUSE, self._last.domain.cooled_until - now)
        return GiveUp(fault, seconds)

    def _exhausted(self, full: bool, now: float) -> GiveUp:
        if self._fault is not None:
            return self._give_up(self._fault, now)
        name = self.request.model
        if full:
            return GiveUp(Fault(Failure.SHED, f"every deployment of model '{name}' is at its max_concurrency"), PAUSE)
        return GiveUp(Fault(Failure.NO_ENDPOINT, f"no endpoint of model '{name}' is available"), PAUSE)

    def _forward_or_wait(self, last: Candidate, snapshot: Snapshot) -> Action:
        """The next place; where there is none, the same deployment after a pause, if the rules allow it."""
        model, models = self._model, list(self._models)
        action = self._forward(snapshot)
        wait = None if isinstance(action, Start) else self._wait(last, snapshot)
        if wait is None:
            return action
        self._model, self._models = model, models
        return wait

    def _retry_once(self, last: Candidate, snapshot: Snapshot) -> Action:
        """The same deployment at once, the first time; by another of its endpoints where it has one."""
        assert self._exclusions is not None
        name = last.deployment.name
        self._exclusions.endpoints.add(last.id)
        if name not in self._retries and self.rules.attempts and last.domain.budget.take(snapshot.now):
            self._retries[name] = 1
            action = self._again(last, snapshot)
            if action is not None:
                return action
        self._exclusions.deployments.add(name)
        return self._forward_or_wait(last, snapshot)

    def _again(self, last: Candidate, snapshot: Snapshot) -> Start | None:
        """The same deployment: an endpoint not tried yet, else the one that failed."""
        assert self._exclusions is not None
        name = last.deployment.name
        for endpoints in (self._exclusions.endpoints, self._silent):
            choice = plan(self.request, self._model, snapshot, Exclusions(endpoints=endpoints, only=name))
            if choice.candidate is not None:
                return self._begin(choice.candidate, choice.signal)
        return None

    def _rate_limited(self, fault: Fault, last: Candidate, snapshot: Snapshot) -> Action:
        """An equal in the tier outside the quota domain at once; else the limit is waited out, if it is short; else the
        next tier. A limit that names no delay: a jittered backoff, then the next, where there is one."""
        assert self._exclusions is not None
        self._exclusions.domains.add(id(last.domain))
        tier = next(t for t in self._model.tiers if any(c.id == last.id for c in t))
        choice = plan(self.request, self._model, snapshot, self._exclusions)
        if choice.candidate is not None and any(c.id == choice.candidate.id for c in tier):
            return self._begin(choice.candidate, choice.signal)
        if fault.credential:
            return self._forward(snapshot)
        pause = self._backoff(0)
        if fault.retry_after is None and (choice.candidate or self._models) and snapshot.now + pause < self.deadline:
            return Wait(pause)  # the domain cools for longer, so what follows is the next place
        return self._wait(last, snapshot) or self._forward(snapshot)

    def _wait(self, last: Candidate, snapshot: Snapshot) -> Wait | None:
        """A pause before the same deployment is asked again, if attempts, delay, deadline and budget allow one.

        It lasts what the upstream asked for and its domain cools, and a jittered backoff beyond that, so that those
        who wait do not come back as one.
        """
        assert self._fault is not None
        name, now = last.deployment.name, snapshot.now
        tries = self._retries.get(name, 0)
        asked = max(0.0, self._fault.retry_after or 0.0, last.domain.cooled_until - now)
        seconds = asked + self._backoff(tries)
        allowed = tries < self.rules.attempts and self._may_wait(asked, seconds, now)
        if not allowed or not last.domain.budget.take(now):
            return None
        self._retries[name] = tries + 1
        return Wait(seconds)

    def _may_wait(self, asked: float, seconds: float, now: float) -> bool:
        """``asked`` is the upstream's share of it; rounded, since it may be a difference of two clock readings."""
        return round(asked, 3) <= self.rules.max_retry_after and now + seconds < self.deadline

    def _backoff(self, tries: int) -> float:
        """Exponential with jitter drawn from the request's seed, between half and all of the step; seconds."""
        step = min(self.rules.cap, self.rules.base * 2.0**tries)
        return step * (0.5 + ((self.request.seed >> (4 * tries)) & 0xFF) / 510)
