"""Features of requests that some providers lack, and which of them a body asks for.

A feature is a word of FEATURES. `policies` filters by them: a request that needs one never reaches a deployment whose
provider lacks it (its descriptor in backends/providers/ says so).
"""

import re
from collections.abc import Mapping

import msgspec

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

#: How the features that decide where a request may go at all show in a body: leaving them out would change what is
#: asked. Inside a JSON string the quotes would be escaped, so a prompt cannot look like one.
_SIGNS: Mapping[str, re.Pattern[bytes]] = {
    "images": re.compile(rb'"type"\s*:\s*"(?:image_url|input_image|image)"'),
    "documents": re.compile(rb'"type"\s*:\s*"(?:file|input_file|document)"'),
    "audio": re.compile(rb'"type"\s*:\s*"input_audio"'),
    "tools": re.compile(rb'"(?:tools|functions)"\s*:\s*\[\s*\{'),
}
ESSENTIAL = frozenset(_SIGNS)


def needs(body: bytes) -> frozenset[str]:
    """The essential features that a body asks for."""
    return frozenset(name for name, sign in _SIGNS.items() if sign.search(body))


#: The fields in which other features are asked for.
_FIELDS: Mapping[str, str] = {
    "response_format": "json_schema",
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
_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def used(body: bytes) -> frozenset[str]:
    """Every feature that a JSON body asks for, essential or not."""
    given = _decode(body)
    return needs(body) | {
        feature for field, feature in _FIELDS.items() if field in given and not _idle(field, bytes(given[field]))
    }


def _idle(field: str, value: bytes) -> bool:
    if field == "response_format":
        return b'"json_schema"' not in value
    return value in _IDLE or (field == "n" and value == b"1")
