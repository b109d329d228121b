"""A replay of recorded arrivals against endpoints as fast as they were, with its limits stated beside the result."""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from backends.engine.profile import Profile
from gateway.catalog.ownership import own, pool_usd
from gateway.catalog.policy_compiler import service_level
from gateway.config import Config
from gateway.config.problem import suggest
from gateway.history import calibration as calibrate
from gateway.history.from_ledger import recorded
from gateway.history.past_request import History
from gateway.ledger.database import NotALedger
from gateway.simulate.results import Tally
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import HOUR
from gateway.simulate.summary import Summary, summed
from gateway.simulate.trace import Trace, TraceError

CAVEATS = (
    "requests arrive as they did: users who had waited less, or more, would have asked at other times",
    "answers are as long as they were, whoever gives them",
    "failures of places, limits of clouds, hedges and clients that left are not played",
    "places are modelled: compare simulated with simulated; what was recorded shows how good the model is",
)
UNFITTED = "fewer than 50 streamed answers of {}: taken as {}"


class Replay:
    """One model's past, ready to be played again.

    Raises:
        TraceError: there is none.
    """

    def __init__(
        self, path: Path, config: Config, options: Options, since: datetime | None, until: datetime | None
    ) -> None:
        start = since.timestamp() if since else 0.0
        end = (until + timedelta(days=1)).timestamp() if until else float("inf")
        self.config = config
        name = options.model or next(iter(config.models))
        self.history = _history(path, start, end, name)
        self.own = set(own(config))
        replica = calibrate.replica(self.history.requests, self.own)
        cloud = calibrate.cloud(self.history.requests, self.own)
        fitted = replica if options.profile == Profile() else None  # else the command names one
        self.options = msgspec.structs.replace(options, profile=fitted or options.profile)
        self.trace: Trace = msgspec.structs.replace(self.history.trace(), cloud=cloud)
        self.caveats = [*CAVEATS, *(f"not known: {lack}" for lack in self.history.lacks)]
        if replica is None:
            self.caveats.append(UNFITTED.format("own engines", "an 8B model on 80 GB"))
        if cloud is None:
            self.caveats.append(UNFITTED.format("clouds", "half a second to the first token"))
        self.caveats += [f"left out: {count} {why}" for why, count in self.history.left_out.items()]

    def reality(self, policy: str) -> Summary:
        """What was recorded, as a run would be summed up; ``policy``: whose service level is asked."""
        usd = pool_usd(self.config) * self.history.seconds / HOUR
        return reality(self.history, self.own, Tally(service_level(self.config, policy)), usd)


def reality(history: History, ours: set[str], tally: Tally, usd: float) -> Summary:
    """A run that was lived. ``ours``: the own deployments; ``usd``: what they cost in all.

    The service level is that of the streamed answers: others have no first token.
    """
    zero = history.requests[0].at
    streamed = 0
    for each, arrival in zip(history.requests, history.trace().arrivals, strict=True):
        tally.arrived(arrival)
        if each.failed or each.seconds is None:
            tally.errors += 1
            continue
        came = each.at - zero
        if each.first is not None:
            streamed += 1
            tally.completed(arrival, 0, came, came + each.first, came + each.seconds)
        else:
            tally.e2e.append(each.seconds)
        if each.deployment not in ours:
            tally.spilled += 1
            tally.cloud_usd += each.usd or 0.0
    result = msgspec.structs.replace(tally.result(usd), goodput=tally.good / streamed if streamed else 0.0)
    return summed(tally, result)


def _history(path: Path, since: float, until: float, model: str) -> History:
    try:
        found = recorded(path, since, until, model)
        if not found.requests:
            others = sorted({each.model for each in recorded(path, since, until).requests})
            asked = f"; there are requests of {', '.join(others)}{suggest(model, others)}" if others else ""
            raise TraceError(f'{path}: no request of the model "{model}"{asked}')
    except NotALedger as error:
        raise TraceError(str(error)) from None
    return found
