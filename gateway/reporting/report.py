"""The status report as it is sent: to the console, the terminal and whoever asks the admin API."""

import msgspec

from gateway.reporting.traffic_stats import Now


class Alert(msgspec.Struct, frozen=True):
    """``kind`` is one of KINDS; ``about``: the endpoint, deployment or model; ``since``: seconds it has been so."""

    severity: str  # critical, warning, notice
    kind: str
    about: str
    message: str
    since: float = 0.0


class EndpointStatus(msgspec.Struct):
    """One endpoint. What no fresh scrape says is null; ``stale``: it was to say. ``breakers``: those not closed, by
    family. ``condition``: all of it in a word, and ``severity`` how much that matters: critical, warning, notice, fine;
    both follow from the rest."""

    url: str
    up: bool
    in_flight: int
    in_flight_tokens: int
    running: float | None
    waiting: float | None
    kv_usage: float | None
    prefix_queries: float | None
    prefix_hits: float | None
    sleeping: bool | None
    cooling: float
    breakers: dict[str, str]
    kv_events: str | None = None  # whether its cache events can be relied on: live, partial, missing, silent
    continues: str = "unknown"  # how it goes on from a text, as probed: exactly, trimmed, no, unknown
    stale: bool = False
    condition: str = ""
    severity: str = ""

    def __post_init__(self) -> None:
        self.condition, self.severity = self._condition()

    def _condition(self) -> tuple[str, str]:
        if not self.up:
            return "down", "critical"
        if self.breakers:
            states = (f"{family} breaker {state.replace('_', '-')}" for family, state in self.breakers.items())
            return ", ".join(states), "warning"
        if self.sleeping:
            return "asleep", "notice"
        if self.cooling > 0:
            return f"cooling {self.cooling:.1f} s", "notice"
        return ("up, load unknown", "notice") if self.stale else ("up", "fine")


class DeploymentStatus(msgspec.Struct):
    name: str
    provider: str
    model: str
    endpoints: list[EndpointStatus]
    own: bool = False


class Report(msgspec.Struct):
    """Everything, now. Seconds, ``time`` since the epoch. What has a default is not in older saved reports."""

    version: str
    uptime: float
    ready: bool
    reason: str
    active: int
    models: dict[str, list[list[str]]]
    deployments: list[DeploymentStatus]
    time: float = 0.0
    url: str = ""  # where clients reach it
    keys: bool = False  # it asks clients for one
    waiting: int = 0  # requests, for a place
    now: Now = msgspec.field(default_factory=Now)
    alerts: list[Alert] = []
    state: bytes | None = None  # all that decisions are read from, where it was asked for
