"""The outcome of one request, filled along its journey and recorded once. A plain class, so that it can be compiled."""

# compiled

from policies.attempts.attempt_record import AttemptRecord, Trace
from policies.learning.pace import pace
from policies.learning.slo.forecast import Forecast
from policies.selection.explain import Decision
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import NO_USAGE, AttemptCost, Request, Usage


class Outcome:
    """Result of a request, filled while it is served and recorded once, on every path. Seconds are monotonic.

    ``policy``, ``signal``, ``reason``, ``began``: of the attempt that counted last, how it was chosen, why it was made
    (first, retry, fallback, hedge, recovery), and when, where that was not on arrival. ``tries``: the others.
    """

    model: str = ""
    key: str = ""
    stream: bool = False
    deployment: str = ""
    endpoint: str = ""
    attempts: int = 0
    status: int = 0
    fault: Fault | None = None
    usage: Usage = NO_USAGE
    first_token: float = 0.0  # when the first content was in hand; 0: never
    finished: float = 0.0
    waited: float = 0.0  # seconds spent waiting for upstreams
    policy: str = ""
    signal: str = ""
    reason: str = "first"
    began: float = 0.0
    tries: tuple[AttemptRecord, ...] = ()
    trace: Trace | None = None  # where it was sampled when it came
    context: bytes = b""  # its caller's traceparent, where traces are made
    spent: tuple[AttemptCost, ...] = ()  # what attempts used beside the one that answered
    broken: bool = False  # a stream broke and was to go on: ``usage`` is what the client got, ``spent`` all there was
    recovered: str = ""  # the mode by which a broken stream went on
    hedged: str = ""  # what became of a second attempt beside the first: won, lost
    queued: float = 0.0  # seconds in the queue
    route: str = ""  # the route that took it
    mirror: bool = False  # a copy that nobody waits for
    decision: bytes = b""  # its record as JSON, where its client asked for it
    seed: int = 0
    foretold: Forecast | None = None  # of the attempt that counted
    asked: Request | None = None  # without its body, where the policy reads more of it than the ordinary
    explained: Decision | None = None  # the record of its decision, where it was drawn

    def __init__(self, id: bytes, family: str, received: float) -> None:
        self.id = id
        self.family = family
        self.received = received

    @property
    def tried(self) -> tuple[str, ...]:
        """The deployments of its other attempts."""
        return tuple(each.deployment for each in self.tries)

    @property
    def paced(self) -> bool:
        """Whether its pace says something: a stream whose tokens the upstream counted, and of one endpoint."""
        return self.stream and not self.recovered and self.usage.source == "upstream"

    @property
    def pace(self) -> float | None:
        """Seconds for each token after the first."""
        if not self.paced or not self.first_token:
            return None
        return pace(self.first_token, self.finished, self.usage.completion)

    def follow(self, model: str, deployment: str, signal: str, now: float) -> None:
        """An attempt begins that is not the first, or comes after a wait or for a fallback model."""
        if model != self.model or (self.attempts and deployment != self.deployment):
            self.reason = "fallback"
        elif self.attempts:
            self.reason = "retry"
        self.signal, self.began = signal, now

    def note(self, id: tuple[str, str], began: float, ended: float, end: str, reason: str, first: float) -> None:
        """One of its attempts is over."""
        self.tries += (AttemptRecord(*id, began, ended, end, reason, self.signal, first),)

    def all_attempts(self) -> list[AttemptRecord]:
        """Its attempts in the order they began; the one that brought the answer ends in nothing."""
        last: list[AttemptRecord] = []
        if self.attempts > len(self.tries):
            began = self.began or self.received
            first = self.first_token if self.first_token >= began else 0.0  # another's, where it was recovered
            last = [
                AttemptRecord(
                    deployment=self.deployment,
                    endpoint=self.endpoint,
                    began=began,
                    ended=self.finished,
                    end="",
                    reason=self.reason,
                    signal=self.signal,
                    first_token=first,
                )
            ]
        return sorted([*self.tries, *last], key=lambda each: each.began)
