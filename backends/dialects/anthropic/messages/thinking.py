"""Claude's thinking options: a token budget or an effort, by model generation, and what they rule out.

Up to Claude 4.5 thinking is a budget of tokens within max_tokens, at temperature 1, without a forced tool, and the last
tool calls must bring their signed thoughts along. Later models take an effort and decide for themselves.
"""

import re
from typing import Any

from backends.contract.conversation import ANTHROPIC, Conversation, Message, Reasoning, Thought, ToolCall

MIN_BUDGET = 1024  # tokens, Anthropic's own floor
BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 32768}
_BY_BUDGET = re.compile(r"claude-(?:3|v?2|instant|(?:opus|sonnet|haiku)-4(?:-[015](?!\d)|-20\d{6}|@|$))")
_EFFORTS = {"minimal": "low"}


def set_thinking(
    body: dict[str, Any], conversation: Conversation, messages: list[Message], model: str, dropped: list[str]
) -> None:
    """Write ``thinking`` and the effort into ``body``; what cannot be combined is added to ``dropped``."""
    reasoning = conversation.reasoning
    if reasoning is None:
        return
    if reasoning.effort == "none" or reasoning.budget == 0:
        body["thinking"] = {"type": "disabled"}
    elif reasoning.only_effort:
        body.setdefault("output_config", {})["effort"] = reasoning.effort
    elif reasoning.budget is None and not _BY_BUDGET.search(model):
        _by_effort(body, reasoning)
    elif not reasoning.adaptive or reasoning.effort or reasoning.budget:
        _by_budget(body, conversation, messages, reasoning, dropped)
    else:
        body["thinking"] = {"type": "adaptive"}


def _by_effort(body: dict[str, Any], reasoning: Reasoning) -> None:
    body["thinking"] = _shown({"type": "adaptive"}, reasoning)
    if reasoning.effort:
        body.setdefault("output_config", {})["effort"] = _EFFORTS.get(reasoning.effort, reasoning.effort)


def _by_budget(
    body: dict[str, Any], conversation: Conversation, messages: list[Message], reasoning: Reasoning, dropped: list[str]
) -> None:
    budget = max(MIN_BUDGET, reasoning.budget or BUDGETS.get(reasoning.effort, BUDGETS["medium"]))
    if conversation.max_tokens is None:
        body["max_tokens"] += budget
    budget = min(budget, body["max_tokens"] - 1)
    forced = conversation.tool_choice is not None and conversation.tool_choice.mode in ("required", "tool")
    if budget < MIN_BUDGET or forced:
        dropped.append("reasoning_effort")
        return
    if _unproven(messages):  # another model's tool calls: Claude may not resume thinking within this turn
        return
    body["thinking"] = _shown({"type": "enabled", "budget_tokens": budget}, reasoning)
    if body.pop("temperature", None) is not None:
        dropped.append("temperature")
    if body.pop("top_k", None) is not None:
        dropped.append("top_k")


def _shown(thinking: dict[str, Any], reasoning: Reasoning) -> dict[str, Any]:
    if reasoning.shown is not None:
        thinking["display"] = "summarized" if reasoning.shown else "omitted"
    return thinking


def _unproven(messages: list[Message]) -> bool:
    """The turn in progress holds tool calls, but no thought that Claude signed."""
    turn = next((m for m in reversed(messages) if m.role == "assistant"), None)
    if turn is None or messages[-1].role == "assistant":
        return False
    calls = any(isinstance(part, ToolCall) for part in turn.parts)
    return calls and not any(isinstance(p, Thought) and p.origin in ("", ANTHROPIC) and _signed(p) for p in turn.parts)


def _signed(thought: Thought) -> bool:
    return bool(thought.signature or thought.redacted)
