"""Routes: every condition, the first that matches, and splits that keep what they hold together."""

from collections import Counter

import msgspec
import pytest

from policies.selection.routes import Match, Route, RouteInput, Window, find, mirrored, side
from policies.vocabulary.hashing import digest

FACTS = RouteInput(
    "llama-3",
    {"x-tier": "gold"},
    "team-a",
    {"task": "chat"},
    500,
    True,
    True,
    False,
    False,
    {"UTC": 600, "Asia/Tokyo": 1140},
)


@pytest.mark.parametrize(
    ("match", "holds"),
    [
        (Match(), True),
        (Match(model="llama-*"), True),
        (Match(model="gpt-*"), False),
        (Match(key="team-?"), True),
        (Match(headers={"x-tier": "gold"}), True),
        (Match(headers={"x-tier": "gold", "x-other": "*"}), False),
        (Match(metadata={"task": "ch*"}), True),
        (Match(metadata={"kind": "chat"}), False),
        (Match(least=500, most=500), True),
        (Match(least=501), False),
        (Match(most=499), False),
        (Match(stream=True, tools=True, images=False, json_schema=False), True),
        (Match(stream=False), False),
        (Match(images=True), False),
        (Match(windows=(Window(begins=540, ends=1020),)), True),
        (Match(windows=(Window(begins=540, ends=1020, zone="Asia/Tokyo"),)), False),
        (Match(windows=(Window(days=frozenset({3})), Window(days=frozenset({0})))), True),
    ],
)
def test_every_condition_must_hold(match: Match, holds: bool) -> None:
    assert match.holds(FACTS) is holds


def test_a_window_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    night = Window(frozenset({6}), 22 * 60, 6 * 60)  # from Sunday evening
    day = 24 * 60
    assert night.holds(6 * day + 23 * 60)
    assert night.holds(0 * day + 5 * 60)
    assert not night.holds(0 * day + 6 * 60)
    assert not night.holds(6 * day + 5 * 60)
    assert not night.holds(0 * day + 23 * 60)


def test_the_first_that_matches_wins() -> None:
    routes = (Route("a", Match(model="gpt-*")), Route("b", Match(stream=True)), Route("c", Match()))
    found = find(routes, FACTS)
    assert found is not None and found.name == "b"
    assert find(routes[:1], FACTS) is None


def test_a_split_keeps_its_shares_and_what_falls_to_a_side_stays() -> None:
    route = Route("canary", Match(), split=(("old", 95.0), ("new", 5.0)))
    sides = {n: side(route, digest(str(n))) for n in range(4000)}
    assert 0.035 < Counter(sides.values())["new"] / 4000 < 0.065
    assert all(side(route, digest(str(n))) == each for n, each in sides.items())


def test_when_a_share_grows_nobody_leaves_the_side_that_grew() -> None:
    small = Route("canary", Match(), split=(("new", 5.0), ("old", 95.0)))
    grown = msgspec.structs.replace(small, split=(("new", 20.0), ("old", 80.0)))
    assert all(side(grown, n * 7919) == "new" for n in range(2000) if side(small, n * 7919) == "new")


def test_a_mirror_copies_its_share() -> None:
    route = Route("shadow", Match(), mirror="m", mirror_rate=0.1)
    count = sum(mirrored(route, digest(str(n))) for n in range(4000))
    assert 320 < count < 480
    assert not any(mirrored(msgspec.structs.replace(route, mirror=None), n) for n in range(100))
