"""Usage of an attempt that did not answer whole: the upstream's figure, else an estimate if the upstream had started.

What was stopped or broke before its first token has had its prompt read: a cloud charges for it. What was refused, or
never reached its upstream, has used nothing.
"""

import msgspec

from backends.recover.spliced_stream import SplicedStream
from gateway.proxy.attempt import Attempt
from policies.attempts.outcome import Outcome
from policies.load.candidate import Candidate
from policies.vocabulary.failure import SILENCE, Failure, Fault
from policies.vocabulary.types import NO_USAGE, AttemptCost, Usage

#: Ends that leave open what the upstream had done by then: ours, its silence, or its death.
OPEN = SILENCE | {
    Failure.CANCELLED,
    Failure.DEADLINE,
    Failure.NO_ENDPOINT,
    Failure.UNREACHABLE,
    Failure.BROKEN_STREAM,
}


def charge(outcome: Outcome, attempt: Attempt, prompt_tokens: int, fault: Fault, now: float) -> None:
    """An attempt that counted has ended badly: what it used is what its client got, or comes on top of that."""
    first = attempt.first_at if attempt.committed else 0.0
    outcome.note(attempt.candidate.id, attempt.started, now, fault.failure.code, outcome.reason, first)
    if not attempt.committed:
        outcome.waited += now - attempt.started
    usage = used(attempt, prompt_tokens, fault)
    if attempt.committed and not outcome.broken:
        outcome.usage = usage
        return
    if not outcome.broken:
        outcome.usage = NO_USAGE
    if usage.source != "none":
        outcome.spent += (spent(attempt.candidate, usage, fault),)


def used(attempt: Attempt, prompt_tokens: int, fault: Fault) -> Usage:
    """Tokens of one attempt. ``prompt_tokens``: of the request, as estimated."""
    decoder = attempt.decoder
    if isinstance(decoder, SplicedStream):
        return decoder.counted()
    told, generated = (NO_USAGE, 0) if decoder is None else (decoder.usage, decoder.generated)
    if told.source == "upstream" and told.completion >= generated:
        return told
    if not generated and not (fault.failure in OPEN and attempt.at_work):
        return NO_USAGE
    prompt, completion = told.prompt or prompt_tokens, max(told.completion, generated)
    return msgspec.structs.replace(told, prompt=prompt, completion=completion, source="estimated")


def spent(candidate: Candidate, usage: Usage, fault: Fault | None) -> AttemptCost:
    """What an attempt cost there."""
    price = candidate.deployment.price
    end = "ok" if fault is None else fault.failure.code
    return AttemptCost(*candidate.id, usage, end, usage.priced(price))
