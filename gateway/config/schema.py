"""The configuration's root. A YAML key is a field's name, and its default is the field's."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from gateway.config.address import BaseUrl, Host, ModelName, Origin, Sha256, StateUrl
from gateway.config.deployment import Deployment, Model, Price
from gateway.config.limits import Defaults
from gateway.config.policy import PolicySpec, Route
from gateway.config.secret import Secret
from gateway.config.units import Port, Size
from policies.vocabulary.units import Count, Duration, Name, Percent, Positive, Timeout


class Tls(Struct, frozen=True, kw_only=True):
    """The public listener's certificate.

    cert: Path of the certificate chain in PEM.
    key: Path of the private key in PEM.
    """

    cert: str
    key: str


class Server(Struct, frozen=True, kw_only=True):
    """The public listener, which serves the OpenAI API.

    host: Address to listen on.
    port: TCP port; 0 takes a free one.
    workers: Processes that serve.
    max_body: Largest request body.
    max_concurrency: Most requests in flight; more are answered 429.
    max_queue: Most requests that wait while every deployment of their model is at its own max_concurrency; 0: none do.
    drain: How long a stopping process waits for the requests in flight.
    tls: Certificate and key; left out, plain HTTP.
    cors: Origins that browsers may call from.
    trusted_proxies: Addresses whose X-Forwarded headers are believed.
    """

    host: Host = "127.0.0.1"
    port: Port = 8080
    workers: Positive = 1
    max_body: Size = 32 * 2**20
    max_concurrency: Positive = 4096
    max_queue: Count = 1024
    drain: Duration = 30.0
    tls: Tls | None = None
    cors: list[Origin] = []
    trusted_proxies: list[str] = []


class Admin(Struct, frozen=True, kw_only=True):
    """The admin listener: health, metrics, console, admin API.

    host: Address to listen on.
    port: TCP port; 0 takes a free one.
    token: Bearer token asked of every caller; required off loopback.
    """

    host: Host = "127.0.0.1"
    port: Port = 8081
    token: Secret | None = None


class Key(Struct, frozen=True, kw_only=True):
    """A client's key, as its text or as its digest.

    name: Who the key belongs to, in logs and metrics.
    key: The key itself.
    key_sha256: SHA-256 of the key in hex, instead of the key.
    models: Names or patterns of the models it may ask for.
    explain: Whether it may ask why a request went where it did.
    priority: Where its requests stand when they wait for a place: lower goes first.
    """

    name: Name
    key: Secret | None = None
    key_sha256: Sha256 | None = None
    models: list[Annotated[str, Meta(min_length=1)]] = field(default_factory=lambda: ["*"])
    explain: bool = False
    priority: int = 0


class Auth(Struct, frozen=True, kw_only=True):
    """Who may ask.

    keys: Clients' keys; with none at all, only direct loopback clients are served.
    """

    keys: list[Key] = []


class State(Struct, frozen=True, kw_only=True):
    """Where gateways share what they know.

    url: `memory://` keeps it in the process.
    """

    url: StateUrl = "memory://"


class Telemetry(Struct, frozen=True, kw_only=True):
    """What is recorded, and where.

    log: Least severe log lines that are written.
    otlp: URL of an OpenTelemetry collector, to which metrics and traces are sent.
    traces: Share of requests that leave a trace, where there is a collector.
    slow: Time to the first content after which a request always leaves one.
    decisions: Share of requests that leave their full decision record.
    ledger: Path of the database that keeps one row a request.
    retention: How long it keeps them.
    """

    log: Literal["debug", "info", "warning", "error", "off"] = "info"
    otlp: BaseUrl | None = None
    traces: Percent = 0.01
    slow: Duration = 10.0
    decisions: Percent = 0.0
    ledger: str | None = None
    retention: Timeout = 30 * 24 * 3600.0


class Config(Struct, frozen=True, kw_only=True):
    """The whole configuration of a gateway.

    server: The public listener.
    admin: The admin listener.
    auth: Who may ask.
    state: Where gateways share what they know.
    defaults: Timeouts, retries, breakers where nothing else is said.
    deployments: Where a request can run, by name.
    models: What clients ask for, by name; "*" catches the rest.
    policies: Named policies.
    routes: Rules that change where a request goes; the first that matches wins.
    telemetry: What is recorded, and where.
    prices: Prices by upstream model, instead of the bundled ones.
    """

    server: Server = Server()
    admin: Admin = Admin()
    auth: Auth = Auth()
    state: State = State()
    defaults: Defaults = Defaults()
    deployments: dict[Name, Deployment] = {}
    models: dict[ModelName, Model] = {}
    policies: dict[Name, PolicySpec] = {}
    routes: list[Route] = []
    telemetry: Telemetry = Telemetry()
    prices: dict[str, Price] = {}
