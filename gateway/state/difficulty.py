"""The difficulty judge: scores each prompt once on arrival and moves its model's threshold.

A classifier of the user's is called on the event loop, where it must be quick. One that fails, or says what is no
probability, is not believed: the built-in score stands in for that request, and the log says so.
"""

import traceback
from collections.abc import Callable, Iterable

from backends.contract.facts import Facts
from backends.request.prompt_text import PromptText, prompt_text
from gateway import clock
from gateway.config.function import function
from policies.learning.difficulty.features import features
from policies.learning.difficulty.score import bounded, score
from policies.learning.difficulty.threshold import Threshold, fresh
from policies.selection.model import Model
from policies.selection.scorers.quality import Difficulty, Quality

SLOW = 0.005  # seconds; a classifier that takes longer holds up every stream


class DifficultyJudge:
    """``tell``: where a failing or slow classifier is reported, once each until the next reload."""

    def __init__(self, slow: float = SLOW) -> None:
        self._slow = slow
        self.thresholds: dict[str, Threshold] = {}
        self.tell: Callable[[str], None] = lambda text: None
        self._classifiers: dict[str, Callable[[str], float]] = {}
        self._told: set[tuple[str, str]] = set()

    def keep(self, models: Iterable[Model]) -> None:
        """Judge for these models; what was learned survives a reload."""
        found = {rules.classifier for model in models if (rules := of(model)) is not None and rules.classifier}
        self._classifiers = {name: function(name) for name in found}
        self._told = set()

    def judged(self, facts: Facts, model: Model) -> tuple[float | None, float]:
        """The prompt's difficulty, and above what it is hard. None: nothing of the model's policy asks."""
        rules = of(model)
        if rules is None:
            return None, 0.0
        difficulty = self._score(prompt_text(facts), len(facts.body), rules)
        threshold = self.thresholds.get(model.name)
        if threshold is None:
            threshold = self.thresholds[model.name] = fresh(rules.share)
        limit = threshold.at()
        threshold.observe(difficulty, rules.share)
        return difficulty, limit

    def _score(self, asked: PromptText, size: int, rules: Difficulty) -> float:
        if rules.classifier:
            began = clock.now()
            try:
                return bounded(float(self._classifiers[rules.classifier](asked.text)))
            except Exception:  # the user's own code: whatever is wrong with it costs no request
                self._tell(rules.classifier, "failed", traceback.format_exc())
            finally:
                if (took := clock.now() - began) > self._slow:
                    self._tell(rules.classifier, "slow", f"took {took * 1000:.0f} ms, in which nothing else moved")
        return score(features(asked.text, size, asked.turns), rules.weights)

    def _tell(self, classifier: str, what: str, text: str) -> None:
        if (classifier, what) not in self._told:
            self._told.add((classifier, what))
            self.tell(f"{classifier}: {text}")


def of(model: Model) -> Difficulty | None:
    """What the model's policy takes for a hard prompt, where it asks how hard one is."""
    return next((each.difficulty for each in model.policy.scorers if isinstance(each, Quality)), None)
