"""Features of requests that some providers lack, and which of them a body asks for.

A feature is a word of FEATURES. `policies` filters by them: a request that needs one never reaches a deployment whose
provider lacks it (its descriptor in backends/providers/ says so).
"""

from collections.abc import Mapping

from backends.contract.facts import Facts

FEATURES = (
    "tools",
    "images",
    "documents",
    "audio",
    "json_schema",
    "reasoning",
    "stop",
    "seed",
    "penalties",
    "logprobs",
    "n",
    "cache_markers",
    "service_tier",
)
ALL = frozenset(FEATURES)

#: Those that decide where a request may go at all: leaving them out would change what is asked.
ESSENTIAL = frozenset({"images", "documents", "audio", "tools"})


def needs(facts: Facts) -> frozenset[str]:
    """The essential features that a body asks for."""
    return facts.media | {"tools"} if facts.tools else facts.media


#: The fields in which other features are asked for.
_FIELDS: Mapping[str, str] = {
    "reasoning": "reasoning",
    "reasoning_effort": "reasoning",
    "stop": "stop",
    "seed": "seed",
    "presence_penalty": "penalties",
    "frequency_penalty": "penalties",
    "logprobs": "logprobs",
    "top_logprobs": "logprobs",
    "n": "n",
    "service_tier": "service_tier",
}
_IDLE = frozenset({b"null", b"false", b"0", b"0.0", b'"auto"', b"[]"})  # values that ask for nothing


def used(facts: Facts) -> frozenset[str]:
    """Every feature that a JSON body asks for, essential or not."""
    given = facts.fields
    found = {feature for field, feature in _FIELDS.items() if field in given and not _idle(field, bytes(given[field]))}
    return needs(facts) | found | ({"json_schema"} if facts.json_schema else set())


def _idle(field: str, value: bytes) -> bool:
    return value in _IDLE or (field == "n" and value == b"1")
