"""Per-model Converse fields: what has no common field is written by model family.

``additionalModelRequestFields`` carries it, in the words of each model's own maker. An application inference profile's
ARN does not say its family: such fields then have no place.
"""

from collections.abc import Mapping
from typing import Any

from backends.contract.conversation import ANTHROPIC, Conversation, Message
from backends.dialects.anthropic.messages.thinking import set_thinking
from backends.dialects.anthropic.messages.write_request import MAX_TOKENS

#: Where reasoning was signed, where the model is not Anthropic's (whose signatures hold on every platform).
BEDROCK = "bedrock"

_FAMILIES: Mapping[str, str] = {
    "anthropic.claude": "claude",
    "amazon.nova": "nova",
    "openai.gpt-oss": "gpt-oss",
    "qwen.": "qwen",
}
_THREE_EFFORTS: Mapping[str, str] = {"minimal": "low", "xhigh": "high", "max": "high"}


def family(model: str) -> str:
    """``claude``, ``nova``, ``gpt-oss``, ``qwen``, or "" for a model without family-specific fields."""
    return next((name for mark, name in _FAMILIES.items() if mark in model), "")


def origin(model: str) -> str:
    """The origin of what this model signs."""
    return ANTHROPIC if family(model) == "claude" else BEDROCK


def spell(
    body: dict[str, Any], conversation: Conversation, messages: list[Message], model: str, lost: list[str]
) -> dict[str, Any]:
    """The family's own fields for top_k, reasoning and parallel calls; ``body`` and ``lost`` may change with them."""
    kind = family(model)
    fields: dict[str, Any] = {}
    if kind == "claude":
        _claude(body, fields, conversation, messages, model, lost)
        return fields
    if conversation.top_k is not None:
        if kind == "nova":
            fields["inferenceConfig"] = {"topK": conversation.top_k}
        else:
            lost.append("top_k")
    if conversation.reasoning is not None and not _effort(fields, kind, conversation):
        lost.append("reasoning_effort")
    if conversation.tools:
        lost += conversation.given("parallel_tool_calls")
    return fields


def _claude(
    body: dict[str, Any],
    fields: dict[str, Any],
    conversation: Conversation,
    messages: list[Message],
    model: str,
    lost: list[str],
) -> None:
    """Thinking as in Anthropic's own API: what it does to limits and temperature goes back into the common fields."""
    inference = body["inferenceConfig"]
    if conversation.top_k is not None:
        fields["top_k"] = conversation.top_k
    if conversation.parallel_tool_calls is False and conversation.tools:
        fields["tool_choice"] = _one_at_a_time(conversation)
    if conversation.reasoning is None:
        return
    fields["max_tokens"] = conversation.max_tokens or MAX_TOKENS
    if conversation.temperature is not None:
        fields["temperature"] = conversation.temperature
    set_thinking(fields, conversation, messages, model, lost)
    inference["maxTokens"] = fields.pop("max_tokens")
    inference.pop("temperature", None)
    if "temperature" in fields:
        inference["temperature"] = fields.pop("temperature")
    if "output_config" in fields:
        body["outputConfig"] |= fields.pop("output_config")


def _one_at_a_time(conversation: Conversation) -> dict[str, Any]:
    """Anthropic's own tool choice, which must say again what Converse's says."""
    choice = conversation.tool_choice
    if choice is None or choice.mode in ("auto", "none"):
        return {"type": "auto", "disable_parallel_tool_use": True}
    named = {"type": "tool", "name": choice.name} if choice.mode == "tool" else {"type": "any"}
    return {**named, "disable_parallel_tool_use": True}


def _effort(fields: dict[str, Any], kind: str, conversation: Conversation) -> bool:
    """Whether the effort could be written; a budget in tokens cannot."""
    reasoning = conversation.reasoning
    assert reasoning is not None
    if reasoning.effort == "none" or reasoning.budget == 0:
        if kind == "nova":
            fields["reasoningConfig"] = {"type": "disabled"}
        return kind != "gpt-oss"  # the others think only when they are told to
    effort = _THREE_EFFORTS.get(reasoning.effort, reasoning.effort)
    if not effort:
        return reasoning.budget is None and kind == "gpt-oss"  # which thinks anyway
    if kind == "nova":
        fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
    elif kind == "gpt-oss":
        fields["reasoning_effort"] = effort
    elif kind == "qwen":
        fields["reasoning_config"] = effort
    return bool(kind)
