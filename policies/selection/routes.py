"""Routes: the first one whose conditions all hold decides where a request goes."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

import msgspec

from policies.vocabulary.hashing import mix, unit


class RouteInput(msgspec.Struct, frozen=True):
    """What a route can ask about. ``minutes``: of the week, from Monday 0:00, by time zone."""

    model: str
    headers: Mapping[str, str] = {}
    key: str = ""
    metadata: Mapping[str, str] = {}
    prompt_tokens: int = 0
    stream: bool = False
    tools: bool = False
    images: bool = False
    json_schema: bool = False
    minutes: Mapping[str, int] = {}


class Window(msgspec.Struct, frozen=True):
    """A stretch of some days, in minutes from midnight; one that ends before it begins runs past midnight."""

    days: frozenset[int] = frozenset(range(7))  # Monday is 0
    begins: int = 0
    ends: int = 24 * 60
    zone: str = "UTC"

    def holds(self, minute: int) -> bool:
        """Whether this minute of the week lies within; the end is not part of it."""
        day, time = divmod(minute, 24 * 60)
        if self.begins < self.ends:
            return day in self.days and self.begins <= time < self.ends
        return (day in self.days and time >= self.begins) or ((day - 1) % 7 in self.days and time < self.ends)


class Match(msgspec.Struct, frozen=True):
    """The conditions; one that is None or empty is none. ``least`` and ``most`` bound the prompt's tokens."""

    model: str | None = None
    headers: Mapping[str, str] = {}
    key: str | None = None
    metadata: Mapping[str, str] = {}
    least: int = 0
    most: int | None = None
    stream: bool | None = None
    tools: bool | None = None
    images: bool | None = None
    json_schema: bool | None = None
    windows: tuple[Window, ...] = ()

    def holds(self, given: RouteInput) -> bool:
        """Whether they all hold."""
        return (
            _like(self.model, given.model)
            and _like(self.key, given.key)
            and all(_like(value, given.headers.get(name)) for name, value in self.headers.items())
            and all(_like(value, given.metadata.get(name)) for name, value in self.metadata.items())
            and self.least <= given.prompt_tokens
            and (self.most is None or given.prompt_tokens <= self.most)
            and all(getattr(self, name) in (None, getattr(given, name)) for name in _FLAGS)
            and (not self.windows or any(each.holds(given.minutes[each.zone]) for each in self.windows))
        )


_FLAGS = ("stream", "tools", "images", "json_schema")


class Route(msgspec.Struct, frozen=True):
    """Where what matches goes. ``split``: models with their shares of the sum. ``mirror``: also sent there."""

    name: str
    match: Match
    model: str | None = None
    policy: str | None = None
    split: tuple[tuple[str, float], ...] = ()
    by_key: bool = False  # all of a key's traffic falls to one side, not each conversation
    mirror: str | None = None
    mirror_rate: float = 0.0


def find(routes: tuple[Route, ...], given: RouteInput) -> Route | None:
    """The route that takes the request; None: it goes as it asked."""
    return next((each for each in routes if each.match.holds(given)), None)


def side(route: Route, key: int) -> str:
    """The model of the split that ``key`` (64 bits) falls to: always the same, and each its share of all keys."""
    point = unit(mix(key, len(route.split))) * sum(share for _, share in route.split)
    for model, share in route.split:
        point -= share
        if point < 0.0:
            return model
    return route.split[-1][0]


def mirrored(route: Route, seed: int) -> bool:
    """Whether this request is one of those that are copied."""
    return route.mirror is not None and unit(mix(seed, 1)) < route.mirror_rate


def _like(pattern: str | None, value: str | None) -> bool:
    return pattern is None or (value is not None and fnmatchcase(value, pattern))
