"""Estimates of token counts, learned by model: of a prompt from its bytes, and of the answer that it will have."""

# compiled

from collections.abc import Iterable

from policies.selection.filters.fits_context import FitsContext, uncertain
from policies.selection.model import Model
from policies.vocabulary.types import Deployment, Request

BYTES_PER_TOKEN = 4.0  # English text in JSON, until the model's own usage teaches better
OUTPUT = 256.0  # tokens of an answer, until the model's own teach better
LEARN = 0.05  # weight of a new sample of bytes per token: some twenty requests
ERROR = 0.1  # mean error of the estimate, as a share, before any answer told
WORST = 3.0  # times the mean error that an estimate may be off
SUREST = 0.02  # no estimate is taken for better than this


class Estimates:
    """By a model's name."""

    def __init__(self) -> None:
        self.bytes_per_token: dict[str, float] = {}
        self.output: dict[str, float] = {}  # tokens of an answer
        self.errors: dict[str, float] = {}  # of estimates, where a context window makes it matter
        self._windowed: dict[str, list[Deployment]] = {}  # those that have one

    def estimate(self, model: str, size: int) -> int:
        """Prompt tokens of a body of ``size`` bytes."""
        return int(size / self.bytes_per_token.get(model, BYTES_PER_TOKEN)) + 1

    def follow(self, models: Iterable[Model]) -> None:
        """Learn how far off estimates are for those of these models whose requests may be too long for a place."""
        self._windowed = {
            model.name: [each for each in model.deployments if each.context_window is not None]
            for model in models
            if any(isinstance(each, FitsContext) for each in model.policy.filters)
        }
        self.errors = {name: self.errors.get(name, ERROR) for name in self._windowed}

    def uncertain(self, request: Request, model: Model) -> list[Deployment]:
        """The deployments of the model's of which the estimate cannot say whether the request fits."""
        windowed = self._windowed.get(model.name)
        return uncertain(request, windowed, max(SUREST, WORST * self.errors[model.name])) if windowed else []

    def tokens(self, model: str, size: int) -> float:
        """What ``size`` bytes of its prompts come to."""
        return size / self.bytes_per_token.get(model, BYTES_PER_TOKEN)

    def expect(self, model: str) -> int:
        """Output tokens of an answer."""
        return int(self.output.get(model, OUTPUT))

    def wrote(self, model: str, tokens: int) -> None:
        """An answer was so many tokens."""
        mean = self.output.get(model, OUTPUT)
        self.output[model] = mean + LEARN * (tokens - mean)

    def learn(self, model: str, size: int, tokens: int) -> None:
        """A body of ``size`` bytes (0: they tell nothing) was ``tokens`` prompt tokens."""
        if tokens > 0 and size:
            ratio = self.bytes_per_token.get(model, BYTES_PER_TOKEN)
            if self.errors and model in self.errors:
                self.errors[model] += LEARN * (abs(size / ratio / tokens - 1.0) - self.errors[model])
            self.bytes_per_token[model] = ratio + LEARN * (size / tokens - ratio)
