"""The synthetic workload: arrivals, and incidents of the pool, in YAML with the configuration's notation."""

from pathlib import Path
from typing import TypeVar

from msgspec import Struct, inspect

from gateway.config.decode import Decoder
from gateway.config.problem import ConfigError
from gateway.config.source import Source, read
from policies.vocabulary.units import Count, Duration, Percent, Positive, Timeout, Weight

Read = TypeVar("Read", bound=Struct)


class Group(Struct, frozen=True, kw_only=True):
    """Requests of one kind.

    name: What reports call it.
    share: Its part of all requests, by weight.
    prefixes: How many different prefixes its prompts begin with.
    prefix_tokens: Length of each of them.
    prompt_tokens: Mean length of what follows the prefix; lengths vary exponentially around it.
    output_tokens: Mean length of the answers, likewise.
    conversations: How many of them are open at a time, whose turns these are; none: each request stands alone.
    turns: How many turns a conversation has before another is opened in its place.
    """

    name: str
    share: Weight = 1.0
    prefixes: Positive = 1
    prefix_tokens: Count = 0
    prompt_tokens: Positive = 500
    output_tokens: Positive = 200
    conversations: Count = 0
    turns: Positive = 10


class Burst(Struct, frozen=True, kw_only=True):
    """A time of more traffic.

    at: When it begins.
    lasts: How long.
    times: What the rate is multiplied by.
    """

    at: Duration
    lasts: Timeout
    times: Weight


class Slowdown(Struct, frozen=True, kw_only=True):
    """A replica that is slower than its kind.

    replica: Its number, from 0.
    times: How many times slower.
    at: From when on.
    """

    replica: Count
    times: Weight
    at: Duration = 0.0


class Outage(Struct, frozen=True, kw_only=True):
    """A replica that dies; what it was doing is lost.

    replica: Its number, from 0.
    at: When.
    lasts: How long until it is back, its cache empty.
    """

    replica: Count
    at: Duration
    lasts: Timeout


class CloudSpec(Struct, frozen=True, kw_only=True):
    """How a cloud answers.

    ttft: Time to the first token of a short prompt.
    per_1k_tokens: How much each thousand prompt tokens adds.
    tpot: Time of each further token.
    rpm: Requests a minute before it answers 429; left out, it never does.
    cached: Share of a prompt that its own cache holds, where the prompt's prefix was sent before.
    """

    ttft: Timeout = 0.5
    per_1k_tokens: Duration = 0.02
    tpot: Duration = 0.012
    rpm: Positive | None = None
    cached: Percent = 0.0


class Spec(Struct, frozen=True, kw_only=True):
    """A synthetic workload: Poisson arrivals of groups of requests.

    lasts: How long requests arrive.
    rate: Requests a second, on average.
    block: Tokens of a block of the prefix cache.
    swing: How far a sine of the period moves the rate up and down.
    period: Length of that wave.
    groups: What arrives.
    bursts: Times of more traffic.
    slow: Replicas that are slower than the others.
    outages: Replicas that die.
    cloud: How clouds answer.
    """

    lasts: Timeout
    rate: Weight
    block: Positive = 512
    swing: Percent = 0.0
    period: Timeout = 3600.0
    groups: list[Group]
    bursts: list[Burst] = []
    slow: list[Slowdown] = []
    outages: list[Outage] = []
    cloud: CloudSpec | None = None


def load_spec(path: Path) -> Spec:
    """A spec's file, checked.

    Raises:
        ConfigError: every problem in it, as `file:line: path: message`.
    """
    spec, source = load_as(Spec, path)
    if not spec.groups:
        raise ConfigError([source.problem(("groups",), "at least one group is needed")])
    return spec


def load_as(kind: type[Read], path: Path) -> tuple[Read, Source]:
    """A YAML file as one of these structs, and where each of its keys stands.

    Raises:
        ConfigError: every problem in it, as `file:line: path: message`.
    """
    source = read(path, {})
    decoder = Decoder(source)
    try:
        value = decoder.value(inspect.type_info(kind), source.data, ())
    except ValueError as error:  # the struct's own rules
        raise ConfigError([source.problem((), str(error))]) from None
    problems = [*source.problems, *decoder.problems]
    if problems or not isinstance(value, kind):
        raise ConfigError(problems)
    return value, source
