"""The status report: what the router sees now, for the admin API, the console and the terminal."""

import msgspec

from gateway.reporting.traffic_stats import Now


class Alert(msgspec.Struct, frozen=True):
    """``kind``: one of alerts.KINDS; ``about``: the endpoint, deployment or model; ``since``: seconds it holds."""

    severity: str  # critical, warning, notice
    kind: str
    about: str
    message: str
    since: float = 0.0


class EndpointStatus(msgspec.Struct):
    """One endpoint. What no fresh scrape says is null; ``stale``: it was to say. ``breakers``: those not closed, by
    family."""

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
