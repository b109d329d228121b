"""Gemini's thinking options: a level from Gemini 3 on, a token budget before.

The budgets an effort stands for are those of Google's own OpenAI endpoint.
"""

from typing import Any

from backends.contract.conversation import Reasoning

_BUDGETS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576, "xhigh": 24576, "max": 24576}
_LEVELS = {
    "none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH", "xhigh": "HIGH",
    "max": "HIGH",
}  # fmt: skip
_DYNAMIC = -1


def thinking(reasoning: Reasoning, model: str) -> dict[str, Any]:
    """The ``thinkingConfig``; thoughts are shown unless they were declined, or thinking is off."""
    config: dict[str, Any] = {}
    budgets = model.startswith(("gemini-2", "gemini-1"))
    if reasoning.budget is not None:
        config["thinkingBudget"] = reasoning.budget
    elif reasoning.effort and budgets:
        config["thinkingBudget"] = _BUDGETS.get(reasoning.effort, _DYNAMIC)
    elif reasoning.effort:
        level = _LEVELS.get(reasoning.effort, "HIGH")
        config["thinkingLevel"] = "LOW" if level == "MINIMAL" and "pro" in model else level
    elif reasoning.adaptive and budgets:
        config["thinkingBudget"] = _DYNAMIC
    thinks = reasoning.budget != 0 and reasoning.effort != "none"
    if reasoning.shown or (reasoning.shown is None and thinks):
        config["includeThoughts"] = True
    return config
