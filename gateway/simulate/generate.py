"""Generates arrivals from a workload spec and a seed, deterministically."""

import itertools
import math
from random import Random  # noqa: TID251 - seeded: the same seed draws the same workload

import msgspec

from gateway.simulate.trace import Arrival
from gateway.simulate.workload_spec import Group, Spec


class Talk(msgspec.Struct):
    """A conversation: what the prompt of its next turn begins with."""

    name: int
    blocks: tuple[int, ...]
    tokens: int
    turns: int = 0


def draw(spec: Spec, seed: int) -> list[Arrival]:
    """Arrivals of a Poisson process whose rate follows the wave and the bursts, by thinning of its peak rate."""
    random = Random(seed)  # noqa: S311 - a workload, not a secret
    peak = spec.rate * (1 + spec.swing) * math.prod(max(1.0, burst.times) for burst in spec.bursts)
    names = itertools.count()
    prefixes = {group.name: _prefixes(group, spec.block, names) for group in spec.groups}
    talks: dict[str, list[Talk]] = {group.name: [] for group in spec.groups}
    shares = [group.share for group in spec.groups]
    arrivals, now = [], 0.0
    while peak > 0 and (now := now + random.expovariate(peak)) < spec.lasts:
        if random.random() * peak < rate(spec, now):
            (group,) = random.choices(spec.groups, shares)
            if group.conversations:
                talk = _talk(group, prefixes[group.name], talks[group.name], names, random)
                arrivals.append(_turn(group, talk, spec.block, now, names, random))
            else:
                arrivals.append(_arrival(group, spec.block, prefixes[group.name], now, names, random))
    return arrivals


def rate(spec: Spec, now: float) -> float:
    """Requests a second at a moment."""
    wave = 1 + spec.swing * math.sin(2 * math.pi * now / spec.period)
    return spec.rate * wave * math.prod(b.times for b in spec.bursts if b.at <= now < b.at + b.lasts)


def _prefixes(group: Group, block: int, names: "itertools.count[int]") -> list[tuple[int, ...]]:
    full = group.prefix_tokens // block
    return [tuple(itertools.islice(names, full)) for _ in range(group.prefixes)]


def _arrival(
    group: Group, block: int, prefixes: list[tuple[int, ...]], now: float, names: "itertools.count[int]", random: Random
) -> Arrival:
    prompt = group.prefix_tokens + 1 + int(random.expovariate(1 / group.prompt_tokens))
    output = 1 + int(random.expovariate(1 / group.output_tokens))
    prefix = random.choice(prefixes)
    own = tuple(itertools.islice(names, -(-prompt // block) - len(prefix)))
    return Arrival(at=now, prompt_tokens=prompt, output_tokens=output, blocks=prefix + own, group=group.name)


def _talk(
    group: Group, prefixes: list[tuple[int, ...]], talks: list[Talk], names: "itertools.count[int]", random: Random
) -> Talk:
    """One of the open conversations, or a new one in the place of one that is over."""
    place = random.randrange(group.conversations)
    if place >= len(talks) or talks[place].turns == group.turns:
        begun = Talk(next(names) + 1, random.choice(prefixes), group.prefix_tokens)
        talks[place : place + 1] = [begun]
        return begun
    return talks[place]


def _turn(group: Group, talk: Talk, block: int, now: float, names: "itertools.count[int]", random: Random) -> Arrival:
    """The conversation so far, and what is asked next; the answer is part of the prompt of the turn after it."""
    prompt = talk.tokens + 1 + int(random.expovariate(1 / group.prompt_tokens))
    output = 1 + int(random.expovariate(1 / group.output_tokens))
    blocks = talk.blocks + tuple(itertools.islice(names, -(-prompt // block) - len(talk.blocks)))
    talk.blocks, talk.tokens, talk.turns = blocks[: prompt // block], prompt + output, talk.turns + 1
    return Arrival(
        at=now, prompt_tokens=prompt, output_tokens=output, blocks=blocks, group=group.name, conversation=talk.name
    )
