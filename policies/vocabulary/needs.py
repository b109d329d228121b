"""What a policy part reads beyond the ordinary, so that nothing is gathered without a reader."""

from typing import Literal

Need = Literal[
    "foresight",  # Load.predictor, Pool.shadow, Request.late_price
    "speed",  # Load.speed: how fast recent answers were
    "conversation",  # Request.conversation
    "max_tokens",  # Request.max_tokens
    "expected_output",  # Request.expected_output, learned by model
    "prefix",  # Request.matched
    "difficulty",  # Request.difficulty, Request.threshold
    "features",  # Request.features: some deployment of the model, or of a fallback, lacks one
]
NOTHING: frozenset[Need] = frozenset()
FEATURES: frozenset[Need] = frozenset({"features"})
