"""What the messages API refuses. Rule: the checks that a translator is likely to fail, in the API's words."""

from typing import Any

_FIELDS = {
    "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "temperature", "top_p",
    "top_k", "tools", "tool_choice", "thinking", "output_config", "service_tier", "cache_control", "container",
    "context_management", "inference_geo", "mcp_servers", "speed",
}  # fmt: skip
_SAMPLING = {"temperature", "top_p", "top_k"}
_OLD, _NEW = VERSIONS = ("2023-06-01", "2026-10-21")
_BLOCKS = {
    "user": {"text", "image", "document", "tool_result"},
    "assistant": {"text", "thinking", "redacted_thinking", "tool_use"},
}
_CHOICES = {"auto", "any", "tool", "none"}


def misuse(body: dict[str, Any], version: str, counting: bool = False) -> str:
    """Why the body is refused; empty where it is not. The newer version knows no sampling parameters."""
    unknown = set(body) - (_FIELDS - _SAMPLING if version == _NEW else _FIELDS)
    if unknown:
        return f"{min(unknown)}: Extra inputs are not permitted"
    if not counting and not isinstance(body.get("max_tokens"), int):
        return "max_tokens: Field required"
    if not 0 <= body.get("temperature", 1) <= 1:
        return "temperature: range: 0..1"
    if body.get("tool_choice", {}).get("type", "auto") not in _CHOICES:
        return "tool_choice: Input tag found does not match any of the expected tags"
    return _thinking(body) or _messages(body["messages"])


def _thinking(body: dict[str, Any]) -> str:
    thinking = body.get("thinking", {})
    if thinking.get("type") != "enabled":
        return ""
    if not 1024 <= thinking["budget_tokens"] < body["max_tokens"]:
        return "`max_tokens` must be greater than `thinking.budget_tokens`"
    if body.get("temperature", 1) != 1:
        return "`temperature` may only be set to 1 when thinking is enabled"
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        return "Thinking may not be enabled when tool_choice forces tool use."
    turn = next((m for m in reversed(body["messages"]) if m["role"] == "assistant"), None)
    kinds = [block["type"] for block in turn["content"]] if turn and isinstance(turn["content"], list) else []
    if "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking"):
        return "Expected `thinking` or `redacted_thinking`, but found `tool_use`"
    return ""


def _messages(messages: list[dict[str, Any]]) -> str:
    open_calls: set[str] = set()
    for i, message in enumerate(messages):
        role, content = message["role"], message["content"]
        if role not in _BLOCKS:
            return f"messages.{i}.role: Input should be 'user' or 'assistant'"
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not blocks and i < len(messages) - 1:
            return "all messages must have non-empty content except for the optional final assistant message"
        problem = _blocks(role, blocks, f"messages.{i}.content", open_calls)
        if problem:
            return problem
        open_calls = {block["id"] for block in blocks if block["type"] == "tool_use"}
    last = messages[-1]
    if last["role"] == "assistant" and isinstance(last["content"], list) and last["content"]:
        text = last["content"][-1].get("text", "")
        if text != text.rstrip():
            return "messages: final assistant content cannot end with trailing whitespace"
    return ""


def _blocks(role: str, blocks: list[dict[str, Any]], path: str, open_calls: set[str]) -> str:
    answered = {block["tool_use_id"] for block in blocks if block["type"] == "tool_result"}
    if answered - open_calls:
        return f"{path}: unexpected `tool_use_id` found in `tool_result` blocks: {min(answered - open_calls)}"
    if role == "user" and open_calls - answered:
        return f"{path}: `tool_use` ids were found without `tool_result` blocks immediately after"
    for i, block in enumerate(blocks):
        if block["type"] not in _BLOCKS[role]:
            return f"{path}.{i}: Input tag '{block['type']}' does not match any of the expected tags"
        if block["type"] == "text" and not block["text"]:
            return "messages: text content blocks must be non-empty"
        if block["type"] == "tool_use" and not isinstance(block["input"], dict):
            return f"{path}.{i}.tool_use.input: Input should be a valid dictionary"
        if block["type"] == "thinking" and not block["signature"]:
            return f"{path}.{i}.thinking.signature: Field required"
    return ""
