"""Keys of features that do not exist yet: checked like any other, then refused by name."""

from collections.abc import Collection, Iterator, Mapping

from msgspec import Struct

from gateway.config.check import Finding
from gateway.config.problem import Path
from gateway.config.schema import Config

GATEWAYS = "running several gateways as one"


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
)


def not_yet(config: Config) -> Iterator[Finding]:
    for row in TABLE:
        for path, value in select(config, row.pattern.split("."), ()):
            if value not in row.now:
                yield path, f"not yet: {row.feature.format(value=value)}, which comes with {row.brought_by}"


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
