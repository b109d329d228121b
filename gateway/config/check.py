"""Cross-checks: keys that exclude, need or repeat each other."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.util import find_spec

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from gateway.config.address import is_loopback
from gateway.config.deployment import Deployment
from gateway.config.policy import PolicySpec, parts_of
from gateway.config.problem import Path
from gateway.config.schema import Auth, Config, Key
from policies.selection.presets import preset
from policies.selection.scorers import Scorer

Finding = tuple[Path, str]

# The transport's own; a configured one would contradict how the request is really framed.
FRAMING_HEADERS = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
    "x-request-id",
})  # fmt: skip


def check(config: Config) -> Iterator[Finding]:
    yield from check_listeners(config)
    yield from check_auth(config.auth)
    if config.defaults.retry.base > config.defaults.retry.cap:
        yield ("defaults", "retry", "base"), "is longer than cap"
    for name, deployment in config.deployments.items():
        for key, message in check_deployment(deployment):
            yield ("deployments", name, *key), message
    for name, policy in config.policies.items():
        for key, message in check_policy(policy):
            yield ("policies", name, *key), message


def warnings(config: Config) -> Iterator[str]:
    """What is allowed but likely not meant."""
    if not config.auth.keys and not is_loopback(config.server.host):
        yield f"server.host is {config.server.host}, but without auth.keys only direct loopback clients are served"


def check_listeners(config: Config) -> Iterator[Finding]:
    server, admin = config.server, config.admin
    if server.port == admin.port != 0:
        yield ("admin", "port"), "the same as server.port: admin has a port of its own"
    if not is_loopback(admin.host) and admin.token is None:
        yield ("admin", "token"), "required, because admin.host is not loopback"


def check_auth(auth: Auth) -> Iterator[Finding]:
    names: set[str] = set()
    digests: set[str] = set()
    for index, key in enumerate(auth.keys):
        path: Path = ("auth", "keys", index)
        if key.name in names:
            yield (*path, "name"), "names an earlier key too"
        if (key.key is None) == (key.key_sha256 is None):
            yield path, "needs key or key_sha256, one of the two"
            continue
        if digest(key) in digests:
            yield path, "the same key as an earlier one"
        names.add(key.name)
        digests.add(digest(key))


def digest(key: Key) -> str:
    return key.key_sha256 or (sha256(key.key.reveal().encode()).hexdigest() if key.key else "")


def check_deployment(deployment: Deployment) -> Iterator[Finding]:
    yield from check_provider(deployment)
    if deployment.timeouts and deployment.timeouts.total:
        yield ("timeouts", "total"), "is the whole request's, which may visit several deployments: set it on the model"
    for index, endpoint in enumerate(deployment.endpoints):
        if endpoint in deployment.endpoints[:index]:
            yield ("endpoints", index), "listed twice"
    yield from check_cache_events(deployment)
    for header in deployment.headers:
        if header in FRAMING_HEADERS:
            yield ("headers", header), "is set by the transport itself"
        if header == "authorization" and deployment.api_key:
            yield ("headers", header), "is what api_key is sent in: give one of the two"


def check_provider(deployment: Deployment) -> Iterator[Finding]:
    """What its provider needs, and does not take."""
    provider = deployment.provider
    a_deployment = f"{'an' if provider.name[0] in 'aeiou' else 'a'} {provider.name} deployment"
    if provider.address == "endpoints" and not deployment.endpoints:
        yield ("endpoints",), f"missing: {a_deployment} lists the roots of its servers"
    if provider.address == "base_url" and not (provider.base_url or deployment.base_url):
        yield ("base_url",), f"missing: {a_deployment} says where its API is"
    credentials = sum(getattr(deployment, key) is not None for key in provider.auth)
    if provider.auth_required and credentials != 1:
        one_of = ", one of the two" if len(provider.auth) == 2 else ""
        yield (provider.auth[0],), f"{a_deployment} needs {' or '.join(provider.auth)}{one_of}"
    for key in Deployment.__struct_fields__:
        takers = taking(key)
        if takers and key not in provider.keys and getattr(deployment, key) not in (None, [], {}):
            names = ", ".join(each.name for each in takers)
            yield (key,), f"is not for provider {provider.name}, only for {names}"


def taking(key: str) -> list[Provider]:
    """The providers that take one of the deployment's keys that not every provider takes."""
    return [provider for provider in PROVIDERS if key in provider.keys]


def check_cache_events(deployment: Deployment) -> Iterator[Finding]:
    places = deployment.publishers
    if len(set(places)) < len(places):
        yield ("kv_events",), "is the same for several endpoints: put {host} or {port} where they differ"
    for place in places:
        port = place.rpartition(":")[2]
        if port.isdecimal() and int(port) > 65535:
            yield ("kv_events",), f"{place} has no port that can be connected to"
            break
    if deployment.kv_events and find_spec("zmq") is None:
        yield ("kv_events",), "needs pyzmq: pip install 'cloverleaf[kv-events]'"


def check_policy(policy: PolicySpec) -> Iterator[Finding]:
    if policy.kind is None and not policy.composed:
        yield (), "needs kind, or scorers and pick"
    if policy.kind and policy.composed:
        yield ("kind",), "names a preset: leave out filters, sample, scorers and pick, or leave out kind"
    found = preset(policy.kind) if policy.kind else None
    scorers = found.scorers if found else policy.scorers
    for key in policy.options:
        if not any(key in each.__struct_fields__ for each in scorers):
            owners = ", ".join(kind for kind, each in parts_of(Scorer).items() if key in each.cls.__struct_fields__)
            yield (key,), f"is for kind {owners}, or a composition with the scorer {owners}"
