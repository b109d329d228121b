"""Whether and how a stream that broke after its commit may continue on another endpoint.

    continue   the prompt and the text so far go to the same weights, which go on from there
    realign    the request is run again; what the client has is dropped while it matches to the byte
    restart    only reasoning was sent: the answer is begun again

What cannot be done honestly is not done: then the stream ends in an error.
"""

from collections.abc import Iterable, Sequence

import msgspec

from policies.load.candidate import Candidate
from policies.vocabulary.engine_state import Continues
from policies.vocabulary.failure import ENDPOINT_FAULTS, Failure
from policies.vocabulary.types import Mode, RecoveryRules

MAX_TRIES = 3  # endpoints that are tried to take over one stream
RECOVERABLE = ENDPOINT_FAULTS | {Failure.OVERLOADED, Failure.RATE_LIMITED}


class Broken(msgspec.Struct, frozen=True):
    """What is known of a stream that died, and of its request.

    ``obstacle``: the field of the request that a continuation would not honour, or what was sent that it could not
    follow. ``repeatable``: temperature 0 or seeded. ``padded``: the text begins or ends with white space, which some
    chat templates trim. ``overflow``: more was sent than is kept.
    """

    family: str
    obstacle: str = ""
    choices: int = 1
    repeatable: bool = False
    content: bool = True
    reasoning: bool = False
    called: bool = False  # a tool call had begun
    padded: bool = False
    overflow: bool = False


class Recovery(msgspec.Struct, frozen=True):
    """Continue by this mode, at any of these endpoints."""

    mode: Mode
    candidates: tuple[Candidate, ...]


class NotRecoverable(msgspec.Struct, frozen=True):
    """It cannot be recovered; the reason, for the log."""

    why: str


def recover(
    rules: RecoveryRules, failure: Failure, broken: Broken, lost: Candidate, candidates: Iterable[Candidate]
) -> Recovery | NotRecoverable:
    """The first mode that is faithful and has an endpoint. ``candidates`` exclude those already tried; the plan checks
    health."""
    if failure not in RECOVERABLE:
        return NotRecoverable(failure.code)
    why = _lost(broken)
    if why:
        return NotRecoverable(why)
    given = tuple(candidates)
    if not broken.content:
        return (
            _somewhere(Mode.RESTART, given, broken, lost, rules) if rules.restart else NotRecoverable("only reasoning")
        )
    reasons = []
    for mode in rules.modes:
        why = _against(mode, rules, broken)
        found = NotRecoverable(why) if why else _somewhere(mode, given, broken, lost, rules)
        if isinstance(found, Recovery):
            return found
        reasons.append(f"{mode.value}: {found.why}")
    return NotRecoverable("; ".join(reasons) or "not configured")


def _lost(broken: Broken) -> str:
    """Why no mode can take it over."""
    if broken.overflow:
        return "the text is longer than the transcript buffer"
    if broken.choices != 1:
        return "n"
    return "a tool call had begun" if broken.called else ""


def _against(mode: Mode, rules: RecoveryRules, broken: Broken) -> str:
    if mode is Mode.CONTINUE:
        return broken.obstacle or ("reasoning was sent" if broken.reasoning else "")
    return "" if broken.repeatable or rules.anywhere else "neither temperature 0 nor seeded"


def _somewhere(
    mode: Mode, candidates: Sequence[Candidate], broken: Broken, lost: Candidate, rules: RecoveryRules
) -> Recovery | NotRecoverable:
    fit = tuple(candidate for candidate in candidates if _fits(mode, candidate, broken, lost, rules))
    return Recovery(mode, fit) if fit else NotRecoverable("no endpoint can")


def _fits(mode: Mode, candidate: Candidate, broken: Broken, lost: Candidate, rules: RecoveryRules) -> bool:
    if broken.family not in candidate.deployment.families:
        return False
    if mode is Mode.RESTART or (mode is Mode.REALIGN and rules.anywhere):
        return True
    if candidate.deployment.weights != lost.deployment.weights:
        return False
    if mode is Mode.REALIGN or broken.family == "completions":
        return True
    able = candidate.load.continues
    return able is Continues.EXACTLY or (able is Continues.TRIMMED and not broken.padded)


class Limits(msgspec.Struct, frozen=True):
    """``max_tokens`` and ``min_tokens`` that a continuation is given; None: not limited."""

    most: int | None
    least: int | None


def left(limits: Limits, produced: int) -> Limits | None:
    """What of the limits is left after ``produced`` tokens; None: nothing, so the answer is complete at its length."""
    if limits.most is not None and produced >= limits.most:
        return None
    return Limits(
        None if limits.most is None else limits.most - produced,
        None if limits.least is None else max(0, limits.least - produced),
    )
