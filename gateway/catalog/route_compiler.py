"""The configured routes, compiled once into what `policies.selection.routes` decides by. The clock is read here."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from gateway import clock
from gateway.config.policy import Match as MatchSpec
from gateway.config.policy import Route as RouteSpec
from gateway.config.policy import Times
from policies.selection.routes import Match, Route, Window

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def compiled(spec: RouteSpec) -> Route:
    """A route as the policies know it."""
    return Route(
        name=spec.name,
        match=_match(spec.match),
        model=spec.to.model if spec.to else None,
        policy=spec.to.policy if spec.to else None,
        split=tuple(spec.split.items()),
        by_key=spec.sticky == "key",
        mirror=spec.mirror.model if spec.mirror else None,
        mirror_rate=spec.mirror.rate if spec.mirror else 0.0,
    )


def minutes(routes: Iterable[Route]) -> dict[str, int]:
    """The minute of the week in each time zone that the routes ask about; none where they ask about no time."""
    zones = {window.zone for route in routes for window in route.match.windows}
    if not zones:
        return {}
    now = clock.wall()
    return {zone: _minute(datetime.fromtimestamp(now, ZoneInfo(zone))) for zone in zones}


def _minute(local: datetime) -> int:
    return (local.weekday() * 24 + local.hour) * 60 + local.minute


def _match(spec: MatchSpec) -> Match:
    tokens = spec.prompt_tokens
    least, most = 0, None
    if tokens is not None:
        least = max(tokens.ge or 0, 0 if tokens.gt is None else tokens.gt + 1)
        bounds = [b for b in (tokens.le, None if tokens.lt is None else tokens.lt - 1) if b is not None]
        most = min(bounds, default=None)
    return Match(
        model=spec.model,
        headers={name.lower(): value for name, value in spec.headers.items()},
        key=spec.key,
        metadata=spec.metadata,
        least=least,
        most=most,
        stream=spec.stream,
        tools=spec.tools,
        images=spec.images,
        json_schema=spec.json_schema,
        windows=tuple(map(_window, spec.times)),
    )


def _window(times: Times) -> Window:
    days = frozenset(_DAYS.index(day) for day in times.days) if times.days else frozenset(range(7))
    return Window(days, times.begins, times.ends, times.zone)
