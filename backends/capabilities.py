"""Capabilities. Rule: what each provider can be asked for stands in this table; what a body asks for is read here.

A feature is a word of FEATURES. `policies` filters by them: a request that needs one never reaches a deployment whose
provider lacks it. docs/providers.md is generated from the table.
"""

from collections.abc import Mapping

from backends.compatible import ROWS

#: Feature -> what shows in a body that it is needed: JSON tokens, which no string inside a body can hold unescaped.
FEATURES: Mapping[str, tuple[bytes, ...]] = {
    "images": (b'"image_url"', b'"input_image"', b'"image"'),
    "documents": (b'"file"', b'"input_file"', b'"document"'),
    "audio": (b'"input_audio"',),
    "tools": (b'"tools"', b'"functions"'),
    "json_schema": (b'"json_schema"', b'"output_config"'),
    "reasoning": (b'"reasoning_effort"', b'"thinking"', b'"reasoning"'),
    "logprobs": (b'"logprobs"', b'"top_logprobs"'),
}

ALL = frozenset(FEATURES)
_CLOUD = ALL - {"audio", "logprobs"}

PROVIDERS: Mapping[str, frozenset[str]] = {
    "vllm": ALL,  # what the model can do is the engine's own word
    "embedded": ALL,
    "openai": ALL,
    "openai_compatible": ALL,
    "azure": ALL,
    "anthropic": _CLOUD,
    "bedrock": _CLOUD,
    "gemini": ALL,
    "vertex": ALL,
    **{name: row.features for name, row in ROWS.items()},
}

#: Leaving these out changes what was asked: a place that lacks one is never tried, whatever `unsupported` says.
ESSENTIAL = frozenset({"images", "documents", "audio", "tools"})


def needs(body: bytes) -> frozenset[str]:
    """The essential features that a body asks for, as far as its tokens show."""
    return frozenset(name for name in ESSENTIAL if any(token in body for token in FEATURES[name]))
