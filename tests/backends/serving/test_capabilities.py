"""What a body asks for is read off its tokens, and a prompt that speaks of a thing does not ask for it."""

from typing import Any

import msgspec
import pytest

from backends.serving.capabilities import ALL, ESSENTIAL, needs, used
from tests.facts import facts, facts_of

TEXT = {"type": "text", "text": 'say "type": "image_url" and "tools": [{}]'}


@pytest.mark.parametrize(
    ("body", "needed"),
    [
        ({"messages": [{"role": "user", "content": [TEXT]}]}, set()),
        ({"messages": [], "tools": []}, set()),
        ({"messages": [], "tools": [{"type": "function"}]}, {"tools"}),
        ({"messages": [{"content": [{"type": "image_url", "image_url": {"url": "u"}}]}]}, {"images"}),
        ({"messages": [{"content": [{"type": "image", "source": {}}, {"type": "document"}]}]}, {"images", "documents"}),
        ({"input": [{"content": [{"type": "input_file"}, {"type": "input_image"}]}]}, {"images", "documents"}),
        ({"messages": [{"content": [{"type": "input_audio"}]}]}, {"audio"}),
        ({"messages": [{"content": [{"type": "tool_result", "content": [{"type": "image"}]}]}]}, {"images"}),
        ({"messages": [], "functions": [{"name": "f"}]}, {"tools"}),
    ],
)
def test_needs_are_read_off_the_body(body: dict[str, Any], needed: set[str]) -> None:
    assert needs(facts(msgspec.json.encode(body))) == needed
    assert needs(facts(msgspec.json.format(msgspec.json.encode(body)))) == needed


def test_essential_features_are_features() -> None:
    assert ESSENTIAL <= ALL


@pytest.mark.parametrize(
    ("fields", "features"),
    [
        ({}, set()),
        ({"seed": 7, "stop": ["a"], "n": 2, "logprobs": True}, {"seed", "stop", "n", "logprobs"}),
        ({"seed": None, "stop": [], "n": 1, "logprobs": False, "presence_penalty": 0, "service_tier": "auto"}, set()),
        ({"presence_penalty": 0.5, "frequency_penalty": 0.0}, {"penalties"}),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"json_schema"}),
        ({"response_format": {"type": "text"}}, set()),
        ({"reasoning_effort": "high", "tools": [{"type": "function"}]}, {"reasoning", "tools"}),
        ({"messages": [{"role": "user", "content": '"seed": 7, "logprobs": true'}]}, set()),
    ],
)
def test_every_feature_that_a_body_uses_is_seen(fields: dict[str, object], features: set[str]) -> None:
    assert used(facts_of(model="m", **fields)) == features
