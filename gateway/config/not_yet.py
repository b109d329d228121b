"""Not yet. Rule: a key whose feature is still to come is checked like any other, then refused by name."""

from collections.abc import Collection, Iterator, Mapping
from typing import get_args

from msgspec import Struct

from gateway.config.check import Finding
from gateway.config.policy import Preset
from gateway.config.problem import Path
from gateway.config.schema import Config
from policies.presets import PRESETS

ROUTING = "smart routing"
GATEWAYS = "running several gateways as one"
TELEMETRY = "telemetry export"

NOW_PRESETS = frozenset(policy.kind for policy in PRESETS)
LATER_PRESETS = frozenset(get_args(Preset)) - NOW_PRESETS


class Later(Struct, frozen=True):
    """One row: where, what is already served there, what is not, and what brings it."""

    pattern: str  # `*` stands for any entry
    now: Collection[object]
    feature: str
    brought_by: str


UNSET: tuple[object, ...] = (None, [])

TABLE = (
    Later("server.workers", (1,), "more than one worker", GATEWAYS),
    Later("state.url", ("memory://",), "shared state in Redis", GATEWAYS),
    Later("server.trusted_proxies", UNSET, "trusting a proxy's headers", GATEWAYS),
    Later("policies.*.kind", (*NOW_PRESETS, None), "policy {value}", ROUTING),
    Later("telemetry.otlp", UNSET, "export to an OpenTelemetry collector", TELEMETRY),
    Later("telemetry.traces", (0,), "traces", TELEMETRY),
)


def not_yet(config: Config) -> Iterator[Finding]:
    for row in TABLE:
        for path, value in select(config, row.pattern.split("."), ()):
            if value not in row.now:
                yield path, f"not yet: {row.feature.format(value=value)}, which comes with {row.brought_by}"
    for name, model in config.models.items():
        if model.policy in LATER_PRESETS:
            yield ("models", name, "policy"), f"not yet: policy {model.policy}, which comes with {ROUTING}"
    for index, route in enumerate(config.routes):
        if route.to and route.to.policy in LATER_PRESETS:
            path = ("routes", index, "to", "policy")
            yield path, f"not yet: policy {route.to.policy}, which comes with {ROUTING}"


def select(value: object, keys: list[str], path: Path) -> Iterator[tuple[Path, object]]:
    """Every value under the configuration whose path fits the pattern."""
    if not keys:
        yield path, value
        return
    for key, child in children(value, keys[0]):
        yield from select(child, keys[1:], (*path, key))


def children(value: object, key: str) -> list[tuple[str | int, object]]:
    if key != "*":
        return [(key, getattr(value, key))]
    if isinstance(value, Mapping):
        return list(value.items())
    assert isinstance(value, list)
    return list(enumerate(value))
