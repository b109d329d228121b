"""What an attempt used that did not answer whole. Rule: as its upstream says; else estimated, if it was at work at all.

What was stopped before its first token has had its prompt read: a cloud charges for it. What was refused, or never
reached its upstream, has used nothing.
"""

from typing import TYPE_CHECKING

import msgspec

from backends.recover.seam import Seam
from policies.failure import SILENCE, Failure, Fault
from policies.types import NO_USAGE, Usage

if TYPE_CHECKING:
    from gateway.attempt import Attempt

#: Ends that were ours: the upstream was still at work.
STOPPED = SILENCE | {Failure.CANCELLED, Failure.DEADLINE, Failure.NO_ENDPOINT}


def used(attempt: "Attempt", prompt_tokens: int, fault: Fault) -> Usage:
    """Tokens of one attempt. ``prompt_tokens``: of the request, as estimated."""
    decoder = attempt.decoder
    if isinstance(decoder, Seam):
        return decoder.counted()
    told, generated = (NO_USAGE, 0) if decoder is None else (decoder.usage, decoder.generated)
    if told.source == "upstream" and told.completion >= generated:
        return told
    if not generated and not (fault.failure in STOPPED and attempt.at_work):
        return NO_USAGE
    prompt, completion = told.prompt or prompt_tokens, max(told.completion, generated)
    return msgspec.structs.replace(told, prompt=prompt, completion=completion, source="estimated")
