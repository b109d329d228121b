"""A scorer that this project does not know: handed to the reader of the configuration, it is set, checked and asked."""

from pathlib import Path

import pytest
import yaml

from gateway.catalog.policy_compiler import fitted, named
from gateway.catalog.show import show
from gateway.config import Config, ConfigError, load
from gateway.config.policy import PARTS
from policies.load.candidate import Candidate
from policies.selection.explain import explain
from policies.selection.model import Model
from policies.selection.scorers import Scorer
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.types import Request
from policies.vocabulary.units import Duration, Name, Percent
from tests.policies.world import ask, place, world


class Preferred(Scorer, frozen=True):
    """Some tags are worth more than others.

    tags: What is preferred.
    penalty: What the others lose of their score.
    patience: From how long a wait they lose it.
    """

    tags: tuple[Name, ...]
    penalty: Percent = 0.5
    patience: Duration = 1.0

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        return [1.0 if {*self.tags} & {*c.deployment.tags} else 1.0 - self.penalty for c in candidates]


@pytest.fixture
def configured(tmp_path: Path) -> "Configured":
    return Configured(tmp_path / "c.yaml")


class Configured:
    """A configuration whose policy has one scorer, read with the part from outside and without."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, scorer: str, *more: type[Scorer]) -> Config:
        self.path.write_text(
            "deployments: {a: {provider: vllm, model: m, endpoints: ['http://a']}}\n"
            "models: {m: {deployments: [a], policy: mine}}\n"
            f"policies: {{mine: {{scorers: [{{kind: {scorer}}}]}}}}\n"
        )
        return load(self.path, {}, (*PARTS, *more))

    def refused(self, scorer: str, *more: type[Scorer]) -> str:
        with pytest.raises(ConfigError) as caught:
            self(scorer, *more)
        return str(caught.value).replace(str(self.path), "c.yaml")


def test_it_is_configured_in_yaml_and_decides(configured: Configured) -> None:
    config = configured("preferred, weight: 2, tags: [green], penalty: 20%, patience: 800ms", Preferred)
    places = [place("a", tags=("grey",)), place("b", tags=("green",)), place("c")]
    policy = fitted(named(config, "mine"), places)
    assert policy.scorers == (Preferred(weight=2.0, tags=("green",), penalty=0.2, patience=0.8),)
    model = Model("m", (tuple(places),), policy, {c.id[0]: Timeouts() for c in places}, 600.0)
    record = explain(ask(), model, world(model))
    assert [each.deployment for each in record.considered if each.chosen] == ["b"]
    assert [each.scores for each in record.considered] == [{"preferred": 0.8}, {"preferred": 1.0}, {"preferred": 0.8}]
    assert yaml.safe_load(show(config))["policies"]["mine"]["scorers"][0]["penalty"] == 0.2


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        ("preferred, tags: [green], penalty: 0.2", "penalty: expected text, got a number: write it like 20%"),
        ("preferred, tags: [green], penalty: 120%", "penalty: must be at most 1"),
        ("preferred, tags: [green], penlty: 20%", 'penlty: unknown key for kind preferred; did you mean "penalty"?'),
        ("preferred, tags: [green], quantile: 0.5", "quantile: is for kind hot_cold, not preferred"),
        ("preferred, tags: [a b]", "tags[0]: not a name: write it like llama-gpu (letters, digits and . _ - : / @ +)"),
        ("preferred", "tags: missing"),
        ("cost, penalty: 20%", "penalty: is for kind preferred, not cost"),
        ("prefered, tags: [green]", 'kind: unknown word "prefered"; did you mean "preferred"?'),
    ],
)
def test_its_options_are_checked_as_those_of_any_part(configured: Configured, scorer: str, said: str) -> None:
    assert configured.refused(scorer, Preferred) == f"c.yaml:3: policies.mine.scorers[0].{said}"


def test_where_it_is_not_handed_in_it_is_not_known(configured: Configured) -> None:
    assert 'scorers[0].kind: unknown word "preferred"' in configured.refused("preferred, tags: [green]")
