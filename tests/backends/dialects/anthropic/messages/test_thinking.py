"""How long Claude thinks: an effort for later models, a budget for earlier ones, and what rules it out."""

from typing import Any

import msgspec
import pytest

from backends.dialects.anthropic.messages.write_request import write_messages
from backends.dialects.openai.chat.read_request import read_chat
from tests.facts import facts_of

USER = {"role": "user", "content": "hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
LOOP = [USER, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "tool_call_id": "c1", "content": "1"}]


def written(model: str, **asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    result = write_messages(read_chat(facts_of(**{"messages": [USER], **asked})), model)
    return msgspec.json.decode(result.body), result.dropped


@pytest.mark.parametrize("model", ["claude-opus-4-6", "claude-sonnet-5", "claude-opus-4-8"])
def test_later_models_take_an_effort(model: str) -> None:
    body, dropped = written(model, reasoning_effort="medium")
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "medium"}
    assert dropped == ()


@pytest.mark.parametrize(
    "model", ["claude-3-7-sonnet-20250219", "claude-sonnet-4-0", "claude-sonnet-4-20250514", "claude-haiku-4-5"]
)
def test_earlier_models_take_a_budget_beside_the_answer(model: str) -> None:
    body, dropped = written(model, reasoning_effort="low", temperature=1)
    assert body["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    assert body["max_tokens"] == 8192 + 2048
    assert "temperature" not in body
    assert dropped == ()


def test_a_budget_stays_below_the_clients_own_limit() -> None:
    body, _ = written("claude-sonnet-4-5", reasoning_effort="high", max_tokens=4000)
    assert body["thinking"]["budget_tokens"] == 3999
    _, dropped = written("claude-sonnet-4-5", reasoning_effort="high", max_tokens=500)
    assert dropped == ("reasoning_effort",)


def test_what_thinking_rules_out_is_named() -> None:
    body, dropped = written("claude-sonnet-4-5", reasoning_effort="low", temperature=0.2)
    assert dropped == ("temperature",) and "temperature" not in body
    tool = {"type": "function", "function": {"name": "f"}}
    body, dropped = written("claude-sonnet-4-5", reasoning_effort="low", tools=[tool], tool_choice="required")
    assert dropped == ("reasoning_effort",) and "thinking" not in body


def test_a_tool_loop_that_another_model_began_goes_on_without_thinking() -> None:
    body, dropped = written("claude-sonnet-4-5", reasoning_effort="low", messages=LOOP)
    assert "thinking" not in body
    assert dropped == ()


def test_no_effort_at_all_is_no_thinking() -> None:
    assert written("claude-sonnet-5", reasoning_effort="none")[0]["thinking"] == {"type": "disabled"}
    assert "thinking" not in written("claude-sonnet-5")[0]
