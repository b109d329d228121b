"""`cloverleaf difficulty`: fits what it is given, says how well, and prints what a configuration takes."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gateway.commands.difficulty import add_arguments, run
from gateway.commands.difficulty_examples import examples
from policies.learning.difficulty.features import Weights
from policies.learning.difficulty.weights import SHIPPED
from tests.contracts.serving import configured


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    def difficulty(*arguments: str) -> tuple[int, str, str]:
        parser = ArgumentParser()
        add_arguments(parser)
        code = run(parser.parse_args(list(arguments)))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return difficulty


WORDS = ("Prove", "Translate")


def line(text: str, **fields: object) -> str:
    return msgspec.json.encode({"messages": [{"role": "user", "content": text}], **fields}).decode()


def test_the_shipped_weights_are_what_it_fits(said: Any) -> None:
    told = msgspec.json.decode(said("--json")[1])
    assert msgspec.convert(told["weights"], Weights) == SHIPPED
    assert told["prompts"] == 2200 and told["groups"] == 22
    assert told["auc"] > 0.95  # as docs/policies.md says


def test_what_it_prints_is_a_policys_difficulty(said: Any, tmp_path: Path) -> None:
    data = tmp_path / "labels.jsonl"
    data.write_text("\n".join(line(f"{word} it, number {n}", hard=word == "Prove") for n in range(9) for word in WORDS))
    given = yaml.safe_load(said(str(data))[1])["difficulty"]
    fitted = msgspec.json.decode(said(str(data), "--json")[1])["weights"]
    config = {
        "deployments": {"a": {"provider": "vllm", "model": "m", "endpoints": ["http://a:1"]}},
        "models": {"m": {"deployments": ["a"], "policy": "mine"}},
        "policies": {"mine": {"kind": "quality", "difficulty": given}},
    }
    found = configured(yaml.safe_dump(config)).policies["mine"].difficulty
    assert found is not None and found.weights == msgspec.convert(fitted, Weights)


def test_labels_of_your_own_decide(said: Any, tmp_path: Path) -> None:
    """A user for whom translations are what the cheap model gets wrong."""
    data = tmp_path / "labels.jsonl"
    rows = [line(f"Translate it, number {n}", hard=True) for n in range(40)]
    rows += [line(f"Prove it, number {n}", hard=0) for n in range(40)]
    data.write_text("\n".join([*rows, "", ""]))
    told = msgspec.json.decode(said(str(data), "--json")[1])
    assert told["prompts"] == 80 and told["auc"] == 1.0 and told["found"]["50%"] == 1.0
    assert told["weights"]["easy_words"] > 0 > told["weights"]["hard_words"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"messages": []}', "labels.jsonl:1: Object missing required field `hard`"),
        (line("a", hard=True) + "\n{", "labels.jsonl:2: "),
        (line("a", hard="yes"), "labels.jsonl:1: "),
        (line("", hard=True), "labels.jsonl:1: no prompt in"),
        (line("a", hard=True), "both hard and easy prompts are needed"),
    ],
)
def test_bad_data_is_told_by_its_line(said: Any, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.jsonl").write_text(text)
    code, _, error = said(str(tmp_path / "labels.jsonl"))
    assert code == 2 and message in error


def test_a_file_that_is_not_there_is_told(said: Any) -> None:
    code, _, error = said("/no/such/file")
    assert code == 2 and error.startswith("difficulty: ") and "/no/such/file" in error


def test_the_made_prompts_follow_from_the_seed() -> None:
    made = list(examples(1, 20))
    assert made == list(examples(1, 20)) != list(examples(2, 20))
    assert sum(each.hard for each in made) == 220 == len(made) / 2
    assert not [each.text for each in made if "{word}" in each.text or "{n}" in each.text]
