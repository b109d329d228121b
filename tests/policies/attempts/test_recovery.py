"""Whether a stream may be recovered, and how: every clause of it."""

import pytest
from msgspec import structs

from policies.attempts.recovery import Broken, Limits, NotRecoverable, Recovery, left, recover
from policies.load.candidate import Candidate
from policies.vocabulary.engine_state import Continues
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Mode, RecoveryRules
from tests.policies.world import place

BOTH = RecoveryRules((Mode.CONTINUE, Mode.REALIGN))
PLAIN = Broken("chat")


def at(name: str, weights: str = "w", continues: Continues = Continues.EXACTLY) -> Candidate:
    made = place(name)
    made.load.continues = continues
    deployment = structs.replace(made.deployment, weights=weights, families=frozenset({"chat", "completions"}))
    return structs.replace(made, deployment=deployment)


DEAD, OTHER = at("dead"), at("other")


def ask(
    broken: Broken = PLAIN,
    rules: RecoveryRules = BOTH,
    failure: Failure = Failure.BROKEN_STREAM,
    places: tuple[Candidate, ...] = (OTHER,),
) -> Recovery | NotRecoverable:
    return recover(rules, failure, broken, DEAD, places)


def mode(*given: object, **named: object) -> Mode:
    found = ask(*given, **named)  # type: ignore[arg-type]
    assert isinstance(found, Recovery), found
    return found.mode


def why(*given: object, **named: object) -> str:
    found = ask(*given, **named)  # type: ignore[arg-type]
    assert isinstance(found, NotRecoverable), found
    return found.why


def test_a_plain_stream_continues_where_the_same_weights_can() -> None:
    assert ask(places=(at("x", "v"), OTHER, at("y", continues=Continues.NO))) == Recovery(Mode.CONTINUE, (OTHER,))


@pytest.mark.parametrize(
    "failure", [Failure.BROKEN_STREAM, Failure.STREAM_IDLE, Failure.SERVER_ERROR, Failure.OVERLOADED]
)
def test_what_the_place_did_is_recovered(failure: Failure) -> None:
    assert mode(failure=failure) is Mode.CONTINUE


@pytest.mark.parametrize("failure", [Failure.CANCELLED, Failure.DEADLINE, Failure.CONTENT_FILTERED, Failure.AUTH])
def test_what_another_place_would_not_change_is_not(failure: Failure) -> None:
    assert why(failure=failure) == failure.code


def test_text_with_white_space_at_its_ends_needs_a_template_that_keeps_it() -> None:
    trimming = at("t", continues=Continues.TRIMMED)
    assert mode(places=(trimming,)) is Mode.CONTINUE
    assert "continue: no endpoint" in why(Broken("chat", padded=True), places=(trimming,))


def test_what_was_not_probed_is_not_assumed() -> None:
    assert "continue: no endpoint" in why(places=(at("u", continues=Continues.UNKNOWN),))


def test_a_completion_needs_no_template() -> None:
    assert mode(Broken("completions", padded=True), places=(at("u", continues=Continues.NO),)) is Mode.CONTINUE


@pytest.mark.parametrize("broken", [Broken("chat", obstacle="logprobs"), Broken("chat", reasoning=True)])
def test_what_cannot_be_continued_is_realigned_where_it_repeats(broken: Broken) -> None:
    assert mode(structs.replace(broken, repeatable=True)) is Mode.REALIGN
    assert "neither temperature 0 nor seeded" in why(broken)


def test_the_order_of_the_modes_is_the_operators() -> None:
    repeatable = Broken("chat", repeatable=True)
    assert mode(repeatable, RecoveryRules((Mode.REALIGN, Mode.CONTINUE))) is Mode.REALIGN
    assert mode(repeatable, RecoveryRules((Mode.REALIGN,))) is Mode.REALIGN
    assert why(repeatable, RecoveryRules()) == "not configured"


def test_realign_needs_the_same_weights_unless_it_may_try_anywhere() -> None:
    stranger, rules = (at("s", "v"),), RecoveryRules((Mode.REALIGN,))
    assert "no endpoint" in why(Broken("chat", repeatable=True), rules, places=stranger)
    assert mode(PLAIN, RecoveryRules((Mode.REALIGN,), anywhere=True), places=stranger) is Mode.REALIGN


def test_only_reasoning_is_lost_unless_it_may_restart() -> None:
    thought = Broken("chat", content=False, reasoning=True, repeatable=True)
    assert why(thought) == "only reasoning"
    assert mode(thought, RecoveryRules(restart=True), places=(at("s", "v"),)) is Mode.RESTART


@pytest.mark.parametrize(
    "broken",
    [Broken("chat", overflow=True), Broken("chat", choices=2), Broken("chat", called=True)],
    ids=["too-long", "n", "tool-call"],
)
def test_nothing_recovers_what_is_not_kept_whole(broken: Broken) -> None:
    rules = RecoveryRules((Mode.CONTINUE, Mode.REALIGN), anywhere=True, restart=True)
    assert why(structs.replace(broken, repeatable=True), rules)


def test_a_place_must_serve_the_family() -> None:
    assert isinstance(ask(Broken("responses", repeatable=True)), NotRecoverable)


def test_limits_shrink_by_what_was_produced() -> None:
    assert left(Limits(10, 6), 4) == Limits(6, 2)
    assert left(Limits(10, 3), 4) == Limits(6, 0)
    assert left(Limits(None, None), 4) == Limits(None, None)
    assert left(Limits(4, None), 4) is None
