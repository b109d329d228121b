"""Models of Bedrock. Rule: what Converse has no common field for is spelled by model family, and only here.

``additionalModelRequestFields`` carries it. An application inference profile's ARN does not say its family: such fields
then have no place.
"""

from collections.abc import Mapping
from typing import Any

from backends.conversation import Conversation

#: Where reasoning was signed, where the model is not Anthropic's (whose signatures hold on every platform).
BEDROCK = "bedrock"

#: Tokens to think for an effort, for models that are told a budget.
BUDGETS: Mapping[str, int] = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 65536}

_EFFORTS: Mapping[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}  # where there are three


def family(model: str) -> str:
    """``claude``, ``nova``, ``gpt-oss``, ``qwen``, or "" for one that has no fields of its own here."""
    for mark, name in _MARKS.items():
        if mark in model:
            return name
    return ""


_MARKS: Mapping[str, str] = {
    "anthropic.claude": "claude",
    "amazon.nova": "nova",
    "openai.gpt-oss": "gpt-oss",
    "qwen.": "qwen",
}


def additional(asked: Conversation, model: str) -> tuple[dict[str, Any], list[str]]:
    """``additionalModelRequestFields`` for what was asked, and the names of the fields that have no place."""
    kind = family(model)
    fields: dict[str, Any] = {}
    lost = []
    if asked.top_k is not None and not _top_k(fields, kind, asked.top_k):
        lost.append("top_k")
    if asked.reasoning is not None and not _reasoning(fields, kind, asked):
        lost.append("reasoning_effort")
    if asked.parallel_tool_calls is False and asked.tools:
        if kind == "claude":
            fields["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        else:
            lost.append("parallel_tool_calls")
    return fields, lost


def _top_k(fields: dict[str, Any], kind: str, top_k: int) -> bool:
    if kind == "claude":
        fields["top_k"] = top_k
    elif kind == "nova":
        fields["inferenceConfig"] = {"topK": top_k}
    return kind in ("claude", "nova")


def _reasoning(fields: dict[str, Any], kind: str, asked: Conversation) -> bool:
    """Whether the effort, or the budget, could be told."""
    reasoning = asked.reasoning
    assert reasoning is not None
    effort = reasoning.effort
    if effort == "none" or reasoning.budget == 0:
        if kind == "nova":
            fields["reasoningConfig"] = {"type": "disabled"}
        return kind != "gpt-oss"  # the others do not think unless they are told to
    if kind == "claude":
        fields["thinking"] = _thinking(asked)
    elif not effort:
        return reasoning.budget is None and not reasoning.adaptive
    elif kind == "nova":
        fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": _EFFORTS.get(effort, effort)}
    elif kind == "gpt-oss":
        fields["reasoning_effort"] = _EFFORTS.get(effort, effort)
    elif kind == "qwen":
        fields["reasoning_config"] = _EFFORTS.get(effort, effort)
    return bool(kind)


def _thinking(asked: Conversation) -> dict[str, Any]:
    reasoning = asked.reasoning
    assert reasoning is not None
    if reasoning.budget is None and reasoning.adaptive:
        return {"type": "adaptive"}
    budget = BUDGETS.get(reasoning.effort, BUDGETS["medium"]) if reasoning.budget is None else reasoning.budget
    if reasoning.budget is None and asked.max_tokens is not None:  # thinking is part of the answer's length
        budget = max(BUDGETS["minimal"], min(budget, asked.max_tokens // 2))
    return {"type": "enabled", "budget_tokens": budget}
