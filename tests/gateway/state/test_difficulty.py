"""The judge: each prompt is scored once, by whom the policy names; a classifier that fails costs no request."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from backends.contract.facts import Facts
from gateway.config.problem import ConfigError
from gateway.state.difficulty import DifficultyJudge
from policies.learning.difficulty.score import bounded
from policies.selection.model import Model
from policies.selection.scorers.quality import Difficulty, Quality
from tests.contracts.serving import configured
from tests.facts import facts_of
from tests.policies.world import model, place

HERE = "tests.gateway.commands.difficulty_classifiers"


def body(text: str) -> Facts:
    return facts_of(messages=[{"role": "user", "content": text}])


def asked(**fields: Any) -> Model:
    made = model("m", [place("a"), place("big")], kind="quality")
    scorers = (Quality(difficulty=Difficulty(strong=("big",), **fields)), *made.policy.scorers[1:])
    return msgspec.structs.replace(made, policy=msgspec.structs.replace(made.policy, scorers=scorers))


@pytest.fixture
def judging() -> Callable[..., tuple[DifficultyJudge, Model, list[str]]]:
    def made(slow: float = float("inf"), **fields: Any) -> tuple[DifficultyJudge, Model, list[str]]:
        judge, told, asks = DifficultyJudge(slow), [], asked(**fields)
        judge.tell = told.append
        judge.keep([asks])
        return judge, asks, told

    return made


def test_the_built_in_score_tells_prompts_apart(judging: Any) -> None:
    judge, asks, told = judging()
    hard, easy = (judge.judged(body(text), asks)[0] for text in ("Prove it and explain why.", "What is a cat?"))
    assert hard > 0.5 > easy
    assert judge.thresholds["m"].judged == 2 and not told


def test_the_threshold_is_the_one_before_the_request(judging: Any) -> None:
    judge, asks, _ = judging()
    _, first = judge.judged(body("What is a cat?"), asks)
    _, second = judge.judged(body("What is a cat?"), asks)
    assert first == 0.5 > second


def test_a_classifier_says_it_in_place_of_the_weights(judging: Any) -> None:
    judge, asks, told = judging(classifier=f"{HERE}:shouted")
    assert judge.judged(body("HELP"), asks)[0] == bounded(1.0)
    assert judge.judged(body("Prove it"), asks)[0] == bounded(0.0)
    assert not told


@pytest.mark.parametrize(("name", "words"), [("broken", "no model is loaded"), ("beyond", "not between 0 and 1")])
def test_one_that_fails_is_replaced_and_told_once(judging: Any, name: str, words: str) -> None:
    judge, asks, told = judging(classifier=f"{HERE}:{name}")
    plain, plainly, _ = judging()
    for text in ("Prove it and explain why.", "What is a cat?"):
        assert judge.judged(body(text), asks)[0] == plain.judged(body(text), plainly)[0]
    assert len(told) == 1 and words in told[0] and name in told[0]


def test_a_slow_one_is_told_once_and_believed(judging: Any) -> None:
    judge, asks, told = judging(0.005, classifier=f"{HERE}:slow")
    assert [judge.judged(body("Prove it"), asks)[0] for _ in range(2)] == [bounded(0.0)] * 2
    assert len(told) == 1 and "ms" in told[0]


def test_a_policy_without_the_scorer_judges_nothing(judging: Any) -> None:
    judge, _, _ = judging()
    assert judge.judged(body("Prove it"), model("n", [place("a")])) == (None, 0.0)
    assert "n" not in judge.thresholds


CONFIG = """
deployments:
  a: {provider: vllm, model: m, endpoints: [http://a:1]}
  b: {provider: vllm, model: m, endpoints: [http://b:1]}
models: {m: {deployments: [a, b], policy: mine}}
policies: {mine: {%s}}
"""


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("kind: quality, difficulty: {classifier: nope}", "not a function: write it like my_rules:difficulty"),
        ("kind: quality, difficulty: {classifier: 'no_such_module:f'}", "cannot be imported: ModuleNotFoundError"),
        (f"kind: quality, difficulty: {{classifier: '{HERE}:absent'}}", "cannot be imported: AttributeError"),
        (f"kind: quality, difficulty: {{classifier: '{HERE}:NOT_A_FUNCTION'}}", "is not a function"),
        (f"kind: quality, difficulty: {{classifier: '{HERE}:slow', weights: {{bias: 1}}}}", "give one of the two"),
        ("kind: quality, difficulty: {weights: {lenght: 1}}", 'unknown key; did you mean "length"?'),
        ("kind: quality, difficulty: {strong: [c]}", 'deployment "c" is not defined'),
        ("kind: order, difficulty: {share: 10%}", "is for kind quality, or a composition with the scorer quality"),
        ("kind: quality, difficulty: {share: 110%}", "policies.mine.difficulty.share"),
    ],
)
def test_a_slip_is_told_where_the_file_is_read(policy: str, message: str) -> None:
    with pytest.raises(ConfigError, match=r"policies\.mine") as caught:
        configured(CONFIG % policy)
    assert message in str(caught.value)


def test_strong_deployments_must_be_the_models() -> None:
    text = CONFIG.replace("[a, b]", "[a]") % "kind: quality, difficulty: {strong: [b]}"
    with pytest.raises(ConfigError, match=r"models.m.policy: none of its deployments is strong by policy .mine.: b"):
        configured(text)
