"""A ledger entry: an outcome as its row, and the costs of its attempts; made on the event loop, so in few steps."""

# compiled

from typing import Any

import msgspec

from gateway.ledger.row import RARE, Charge, Row
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.learning.slo.forecast import Forecast
from policies.vocabulary.types import AttemptCost, Price, Request, Usage

BLOCK = 2  # blocks of the prompt's that one name stands for
BLOCKS = 256  # names kept of one prompt


def row(time: float, outcome: Outcome, price: Price | None) -> Row:
    """The row of one outcome. ``price``: what the deployment that answered takes."""
    return Row(*values(time, outcome, price))


def values(time: float, outcome: Outcome, price: Price | None) -> tuple[Any, ...]:
    """The same as a tuple, of ``USUAL`` values or of all: made for each request on the event loop, so nothing more."""
    usage = outcome.usage
    cost = usage.priced(price) if not outcome.broken else None
    if outcome.spent:
        known = [usd for usd in (cost, *(each.usd for each in outcome.spent)) if usd is not None]
        cost = sum(known) if known else None
    taken = outcome.finished - outcome.received
    first = outcome.first_token - outcome.received if outcome.first_token else None
    own = (taken if first is None else first) - outcome.waited
    usual = (
        outcome.id.decode("latin-1"),
        time,
        outcome.family,
        outcome.model,
        outcome.key,
        outcome.deployment,
        outcome.endpoint,
        1 if outcome.stream else 0,  # SQLite's module takes a bool by a long way round
        outcome.status,
        outcome.fault.failure.name if outcome.fault is not None else "",
        outcome.attempts,
        ",".join(outcome.tried) if outcome.tries else "",
        taken,
        first,
        own if own > 0.0 else 0.0,
        usage.prompt,
        usage.cached,
        usage.completion,
        usage.source,
        cost,
        outcome.policy,
        f"{outcome.seed:016x}" if outcome.seed else "",
        1 if outcome.spent else 0,
        1 if outcome.mirror else 0,
        outcome.signal or None,
        outcome.reason if outcome.reason != "first" else None,
    )
    rare = _rare(outcome)
    return (*usual, *map(rare.get, RARE)) if rare else usual


def charges(time: float, outcome: Outcome, price: Price | None) -> list[Charge]:
    """Each attempt's own, where a request had more than one that used anything."""
    if not outcome.spent:
        return []
    spent = list(outcome.spent)
    if not outcome.broken:
        end = outcome.fault.failure.code if outcome.fault is not None else "ok"
        spent.append(
            AttemptCost(
                deployment=outcome.deployment,
                endpoint=outcome.endpoint,
                usage=outcome.usage,
                end=end,
                usd=outcome.usage.priced(price),
            )
        )
    return [_charge(time, outcome, each) for each in spent]


def _charge(time: float, outcome: Outcome, spent: AttemptCost) -> Charge:
    usage = spent.usage
    return Charge(
        request=outcome.id.decode("latin-1"),
        time=time,
        model=outcome.model,
        key=outcome.key,
        deployment=spent.deployment,
        endpoint=spent.endpoint,
        end=spent.end,
        prompt_tokens=usage.prompt,
        cached_tokens=usage.cached,
        cache_write_tokens=usage.cache_write,
        cache_write_1h_tokens=usage.cache_write_1h,
        reasoning_tokens=usage.reasoning,
        audio_prompt_tokens=usage.audio_prompt,
        audio_completion_tokens=usage.audio_completion,
        completion_tokens=usage.completion,
        usage=usage.source,
        cost=spent.usd,
    )


def _rare(outcome: Outcome) -> dict[str, Any]:
    """What most requests have nothing of."""
    usage, received = outcome.usage, outcome.received
    found: dict[str, Any] = {}
    if usage.cache_write or usage.reasoning or usage.audio_prompt or usage.audio_completion:
        found |= _kinds(usage)
    if outcome.route or outcome.recovered or outcome.hedged or outcome.queued:
        for name in ("route", "recovered", "hedged", "queued"):
            found[name] = getattr(outcome, name) or None
    if outcome.tries:
        found["tries"] = msgspec.json.encode([_since(received, each) for each in outcome.tries])
    if outcome.asked is not None:
        found |= _prompt(outcome.asked)
    if outcome.foretold is not None:
        found |= _foretold(outcome.foretold, outcome.asked)
    if outcome.explained is not None:
        found["decision"] = msgspec.json.encode(outcome.explained)
        found["propensity"] = next((each.propensity for each in outcome.explained.considered if each.chosen), None)
    return found


def _kinds(usage: Usage) -> dict[str, Any]:
    return {
        "cache_write_tokens": usage.cache_write,
        "cache_write_1h_tokens": usage.cache_write_1h,
        "reasoning_tokens": usage.reasoning,
        "audio_prompt_tokens": usage.audio_prompt,
        "audio_completion_tokens": usage.audio_completion,
    }


def _since(received: float, made: AttemptRecord) -> AttemptRecord:
    """Its times as seconds since the request came."""
    first = made.first_token - received if made.first_token else 0.0
    return msgspec.structs.replace(made, began=made.began - received, ended=made.ended - received, first_token=first)


def _prompt(asked: Request) -> dict[str, Any]:
    found: dict[str, Any] = {"conversation": f"{asked.conversation:016x}"} if asked.conversation else {}
    if len(asked.blocks) >= BLOCK:
        names = asked.blocks[BLOCK - 1 : BLOCK * BLOCKS : BLOCK]
        found["blocks"] = b"".join((name & 0xFFFFFFFFFFFFFFFF).to_bytes(8, "little") for name in names)
        found["block_tokens"] = BLOCK * asked.block_tokens
    return found


def _foretold(forecast: Forecast, asked: Request | None) -> dict[str, Any]:
    estimate = forecast.estimate
    return {
        "predicted_ttft": estimate.first.seconds,
        "predicted_ttft_p95": forecast.limit,
        "predicted_tpot": estimate.each.seconds,
        "predicted_uncached_tokens": estimate.situation.uncached,
        "predicted_completion_tokens": asked.expected_output if asked is not None else None,
        "miss_probability": estimate.late,
        "predicted_gpu_seconds": estimate.work,
    }
