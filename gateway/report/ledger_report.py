"""The report on one ledger and the configuration that it was recorded under."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec

from gateway.catalog.ownership import own, pool_usd
from gateway.config import Config
from gateway.history import calibration as calibrate
from gateway.history.from_ledger import recorded
from gateway.ledger.database import open_to_read
from gateway.ledger.totals import GROUPS, Total, overall, totals
from gateway.report.ledger_findings import Change, Tail, changes, tails
from gateway.report.replay_windows import MOST, windows
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import HOUR
from gateway.simulate.trace import TraceError

MODELS = 3  # that policies are tried for: those with most requests
SHOWN = ("model", "deployment", "key")


class Week(msgspec.Struct, frozen=True):
    """``pool_usd``: by hour, of the own endpoints, busy or not; None: no configuration says. ``changes``: None without
    a configuration."""

    name: str
    hours: float
    total: Total
    money: dict[str, list[Total]]
    pool_usd: float | None
    tails: list[Tail]
    changes: list[Change] | None
    unknown: list[str]


def week(
    path: Path,
    config: Config | None,
    since: float,
    until: float,
    model: str | None,
    seed: int,
    done: Callable[[str, int], None],
) -> Week:
    """
    Raises:
        NotALedger: it is none.
        TraceError: there is nothing in it.
    """
    with closing(open_to_read(path)) as ledger:
        money = {by: totals(ledger, by, since, until) for by in SHOWN if by in GROUPS}
        total = overall(ledger, since, until)
    history = recorded(path, since, until, model)
    if not history.requests:
        raise TraceError(f"{path}: no request to report on")
    found, unknown = None, [*history.lacks]
    if config is None:
        unknown.append("what other policies would have saved, and what the pool costs: name the CONFIG")
    else:
        found = _changes(path, config, since, until, model, seed, done, unknown)
    usd = pool_usd(config) if config is not None else None
    return Week(
        name=path.name,
        hours=history.seconds / HOUR,
        total=total,
        money=money,
        pool_usd=usd,
        tails=tails(history.requests),
        changes=found,
        unknown=unknown,
    )


def _changes(
    path: Path,
    config: Config,
    since: float,
    until: float,
    model: str | None,
    seed: int,
    done: Callable[[str, int], None],
    unknown: list[str],
) -> list[Change]:
    ours = own(config)
    pasts = {name: recorded(path, since, until, name) for name in ([model] if model else config.models)}
    busiest = sorted(pasts, key=lambda name: len(pasts[name].requests), reverse=True)[:MODELS]
    made: list[Change] = []
    for name in busiest:
        history = pasts[name]
        if len(history.requests) < 2:
            continue
        options = Options()
        replica = calibrate.replica(history.requests, ours)
        if replica is not None:
            options = Options(profile=replica)
        elif ours:
            unknown.append(f"how fast the engines of {name} are (fewer than 50 streamed answers): the usual was taken")
        cut = [
            msgspec.structs.replace(
                window, trace=msgspec.structs.replace(window.trace, cloud=calibrate.cloud(history.requests, ours))
            )
            if window.trace is not None
            else window
            for window in windows(history, MOST // 2)
        ]
        made += changes(config, name, history, cut, options, seed, done)
    unknown.append("users who had waited less would have asked at other times; failures are not played")
    return sorted(made, key=lambda change: (change.worth_it, change.saves.value), reverse=True)
