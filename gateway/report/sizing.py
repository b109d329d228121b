"""Pool sizing: pools of several sizes and speeds simulated against a history: load carried, overflow bought, cost."""

from collections.abc import Callable, Sequence
from math import ceil

import msgspec

from backends.engine.profile import Profile
from backends.providers.embedded import EMBEDDED
from backends.providers.openai_compatible import OPENAI_COMPATIBLE
from gateway.catalog.ownership import own, pool_usd
from gateway.catalog.policy_compiler import service_level
from gateway.config import Config
from gateway.config.deployment import Cost, Deployment, Model, Price
from gateway.config.policy import PolicySpec
from gateway.history.past_request import History
from gateway.report.replay_windows import Bounds, Trial, Window, play
from gateway.simulate.simulated_pool import Options
from gateway.simulate.upstream_models import slowed

ALONE = 0.01  # of the requests bought at most: exploration and ties buy some even where nobody must
BUSY = 0.85  # of a pool's time that can be used
STEPS = (0.25, 0.5, 1.0, 1.5, 2.0)  # sizes tried, around what the work comes to
SMALL = 4  # up to so many, every size
OWN, CLOUD, ASKED, POLICY = "pool", "cloud", "all", "report"


class Size(msgspec.Struct, frozen=True):
    """One pool. ``speed``: times the reference. USD by hour; shares of all requests. ``lost``: refused or failed."""

    speed: float
    gpus: int
    pool_usd: float
    total_usd: Bounds
    spilled: Bounds
    in_time: Bounds
    lost: Bounds


class Speed(msgspec.Struct, frozen=True):
    """A kind of GPU: prompt tokens read and answer tokens written a second, at most. ``busy``: how many of it the mean
    work keeps busy, ``alone``: how many carry all of it within the service level, None: none that was tried."""

    speed: float
    reads: float
    writes: float
    busy: float
    alone: int | None
    cheapest: int


class Sizing(msgspec.Struct, frozen=True):
    kinds: list[Speed]
    sizes: list[Size]


def assumed(price: Price, gpu_usd: float) -> Config:
    """A pool of one kind with a cloud behind it, under `slo_cost`."""
    return Config(
        deployments={
            OWN: Deployment(provider=EMBEDDED, model=ASKED, replicas=1, cost=Cost(per_hour=gpu_usd)),
            CLOUD: Deployment(provider=OPENAI_COMPATIBLE, model=ASKED, base_url="http://127.0.0.1:9/v1", price=price),
        },
        models={ASKED: Model(deployments=[OWN, CLOUD], policy=POLICY)},
        policies={POLICY: PolicySpec(kind="slo_cost")},
    )


def sizing(
    config: Config,
    options: Options,
    history: History,
    cut: Sequence[Window],
    speeds: Sequence[float],
    seed: int,
    done: Callable[[str, int], None],
) -> Sizing:
    """``done`` is told what is played, and of its requests as they have been."""
    name = options.model or next(iter(config.models))
    model = config.models[name]
    wanted = service_level(config, model.policy).quantile
    kinds, sizes = [], []
    for speed in speeds:
        profile = slowed(options.profile, 1 / speed)
        busy = work(history, profile) / max(history.seconds, 1.0)
        tried = [
            _size(config, model.policy, cut, msgspec.structs.replace(options, profile=profile), speed, gpus, seed, done)
            for gpus in candidates(busy)
        ]
        sizes += tried
        timely = [each for each in tried if each.in_time.value >= wanted]
        alone = [each.gpus for each in timely if each.spilled.value < ALONE]
        best = min(timely or tried, key=lambda each: each.total_usd.value)
        reads, writes = rates(profile)
        kinds.append(
            Speed(
                speed=speed, reads=reads, writes=writes, busy=busy, alone=min(alone, default=None), cheapest=best.gpus
            )
        )
    return Sizing(kinds, sizes)


def candidates(busy: float) -> list[int]:
    """Sizes worth trying for work that keeps ``busy`` GPUs at work on average."""
    enough = max(1, ceil(busy / BUSY))
    return sorted({*range(1, min(SMALL, 2 * enough) + 1), *(max(1, round(enough * step)) for step in STEPS)})


def work(history: History, profile: Profile) -> float:
    """GPU-seconds of it all: each prompt alone, each answer's share of a full batch."""
    each_token = profile.decode_seconds(profile.max_num_seqs, 0) / profile.max_num_seqs
    context = profile.decode_per_context_token
    return sum(
        profile.prefill_seconds(0, each.prompt) + each.output * (each_token + context * (each.prompt + each.output / 2))
        for each in history.requests
    )


def rates(profile: Profile) -> tuple[float, float]:
    """Prompt tokens read, and answer tokens written by a full batch, a second."""
    chunk = profile.max_num_batched_tokens
    return chunk / profile.prefill_seconds(0, chunk), profile.max_num_seqs / profile.decode_seconds(
        profile.max_num_seqs, 0
    )


def _size(
    config: Config,
    policy: str,
    cut: Sequence[Window],
    options: Options,
    speed: float,
    gpus: int,
    seed: int,
    done: Callable[[str, int], None],
) -> Size:
    label = f"{gpus} GPUs at {speed:g}"
    pools = len(own(config))
    each_own = max(1, round(gpus / pools))
    trial: Trial = play(
        config, policy, cut, msgspec.structs.replace(options, replicas=each_own), seed, lambda count: done(label, count)
    )
    return Size(
        speed=speed,
        gpus=each_own * pools,
        pool_usd=pool_usd(config, each_own),
        total_usd=trial.hourly(seed),
        spilled=trial.share(trial.spilled, seed),
        in_time=trial.share(trial.good, seed),
        lost=trial.share(trial.lost, seed),
    )
