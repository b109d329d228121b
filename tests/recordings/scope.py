"""Scope. Rule: what recordings hold that our surface does not say, each with its reason; nothing else is excused."""

import re

REASONS = {
    r"^dropped: (tools\[\d+\](, )?)+$": "a tool that the provider runs itself",
    r"block of type '(server_tool_use|\w+_tool_result|mcp_tool_use|mcp_tool_result|container_upload|tool_reference)'": (
        "what a tool of the provider's own did"
    ),
    r"an item of type 'additional_tools'": "a list of tools that changes within the conversation",
    r"an item of type '(\w+_call|\w+_output|\w+_list_tools|item_reference|compaction)'": (
        "what a tool of the provider's own did"
    ),
    r"a part of type 'input_image' is not supported": "an image that was uploaded to the provider",
    r"block of type 'tool_addition'": "a list of tools that changes within the conversation",
    r"^dropped: (reasoning_format|search_settings)$": "a field of Groq's own, passed to it as it is",
    r"^fault: (Failed to|Tool call validation failed)": "an error that came in the stream, and is one",
    r"a tool of type '\w+' is not supported": "a tool that the provider runs itself",
}


def reason(said: str) -> str:
    """Why a request that was answered so is out of scope; empty: it is not."""
    return next((why for pattern, why in REASONS.items() if re.search(pattern, said)), "")
