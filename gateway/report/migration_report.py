"""The report before a migration: another gateway's traffic, simulated against pools that do not exist yet."""

from collections.abc import Callable

import msgspec

from gateway.catalog.ownership import own
from gateway.catalog.policy_compiler import service_level
from gateway.config import Config
from gateway.config.deployment import Price
from gateway.history import calibration as calibrate
from gateway.history.past_request import History
from gateway.report import fitted_price as price
from gateway.report.replay_windows import MOST, windows
from gateway.report.sizing import Sizing, assumed, sizing
from gateway.simulate import simulated_pool as pool
from gateway.simulate.simulation import HOUR
from gateway.simulate.trace import TraceError
from policies.learning.slo.estimate import Slo
from policies.vocabulary.quantile import quantile

ALWAYS = (
    "how fast your GPUs are: the reference is an 8B model on 80 GB (docs/simulator.md); --speed says otherwise, "
    "and a profile fitted to your engine says it best",
    "whether the pool's model answers as well, or as long, as the one that was asked",
    "what else would change: requests arrive as they did, and no place fails",
)


class Options(msgspec.Struct, frozen=True):
    price: tuple[float, ...] | None
    gpu_usd: float
    speeds: tuple[float, ...]
    seed: int


class Was(msgspec.Struct, frozen=True):
    """What the history tells of itself. USD by hour; ``in_time``: of the streamed answers, None where first tokens are
    not known; ``all_cloud``: had everything been bought at ``price`` (USD per 1M tokens in and out); ``fit``: by how
    much that misses a request's own cost, as a share."""

    requests: int
    hours: float
    prompt_tokens: int
    output_tokens: int
    usd: float | None
    all_cloud: float
    first_p50: float | None
    first_p95: float | None
    in_time: float | None
    price: tuple[float, float]
    fit: float | None


class Proof(msgspec.Struct, frozen=True):
    """``slo``: seconds to the first token, more for each 1,000 of the prompt, and for each further token. ``played``:
    requests of the sample that was simulated."""

    name: str
    was: Was
    slo: tuple[float | None, float, float | None]
    gpu_usd: float
    played: int
    sizing: Sizing
    left_out: dict[str, int]
    unknown: list[str]


def prove(
    history: History, config: Config | None, model: str | None, options: Options, done: Callable[[str, int], None]
) -> Proof:
    """
    Raises:
        TraceError: nothing tells what a cloud costs.
        ValueError: the configuration has no pool to size.
    """
    cost = _price(history, config, options)
    if config is None:
        config, model = assumed(Price(input=cost.input, output=cost.output), options.gpu_usd), None
    ours = own(config)
    if not ours:
        raise ValueError("the configuration has no deployment of your own engines, so there is no pool to size")
    target = service_level(config, config.models[model or next(iter(config.models))].policy)
    cut = windows(history)
    replica = calibrate.replica(history.requests, ours)
    pool_options = pool.Options(model=model)
    if replica is not None:
        pool_options = pool.Options(model=model, profile=replica)
    found = sizing(config, pool_options, history, cut, options.speeds, options.seed, done)
    played = sum(len(window.trace.arrivals) for window in cut if window.trace is not None)
    unknown = [*ALWAYS, *history.lacks]
    if cost.off > 0.1:
        unknown.append(f"the exact price: the fitted one misses a request's own cost by {cost.off:.0%} on average")
    if len(history.requests) > MOST:
        unknown.append(f"the windows between those that were played: {played:,} of {len(history.requests):,} requests")
    was = _was(history, target, cost)
    return Proof(
        name=history.name,
        was=was,
        slo=(target.ttft, target.per_1k_tokens or 0.0, target.tpot),
        gpu_usd=options.gpu_usd,
        played=played,
        sizing=found,
        left_out=dict(history.left_out),
        unknown=unknown,
    )


def _price(history: History, config: Config | None, options: Options) -> price.Fitted:
    if options.price:
        return price.Fitted(*options.price)
    found = price.fitted(history.requests)
    if found is None and config is None:
        raise TraceError(f"{history.name}: nothing in it costs anything: say --price IN,OUT (USD per 1M tokens)")
    return found or price.Fitted(0.0, 0.0)


def _was(history: History, target: Slo, cost: price.Fitted) -> Was:
    requests = history.requests
    usd = [each.usd for each in requests if each.usd is not None]
    firsts = sorted(each.first for each in requests if each.first is not None and not each.failed)
    timely = sum(
        not target.missed(each.prompt, each.first, each.pace)
        for each in requests
        if each.first is not None and not each.failed
    )
    hours = max(history.seconds, 1.0) / HOUR
    return Was(
        requests=len(requests),
        hours=hours,
        prompt_tokens=sum(each.prompt for each in requests),
        output_tokens=sum(each.output for each in requests),
        usd=sum(usd) / hours if usd else None,
        all_cloud=sum(cost.input * each.prompt + cost.output * each.output for each in requests) / 1e6 / hours,
        first_p50=quantile(firsts, 0.5),
        first_p95=quantile(firsts, 0.95),
        in_time=timely / len(firsts) if firsts else None,
        price=(cost.input, cost.output),
        fit=cost.off or None,
    )
