"""Alternating turns: system instructions apart, neighbouring messages of one role merged."""

from backends.contract.conversation import Conversation, Message, Part, Text, ToolCall, ToolResult


def turns(conversation: Conversation) -> tuple[list[Text], list[Message]]:
    """The system and developer texts in order, and the other messages with neighbours of one role merged.

    In a user turn the tool results come first, as providers ask, each with the name of the tool that was called.
    Turns that hold nothing are left out.
    """
    system: list[Text] = []
    merged: list[Message] = []
    names: dict[str, str] = {}
    for message in conversation.messages:
        if message.role in ("system", "developer"):
            system += [part for part in message.parts if isinstance(part, Text) and part.text]
            continue
        parts = [_named(part, names) for part in message.parts if not isinstance(part, Text) or part.text]
        if not parts:
            continue
        if merged and merged[-1].role == message.role:
            merged[-1].parts += parts
        else:
            merged.append(Message(message.role, parts))
    for message in merged:
        if message.role == "user":
            message.parts.sort(key=lambda part: not isinstance(part, ToolResult))
    return system, merged


def _named(part: Part, names: dict[str, str]) -> Part:
    """Tool results learn the tool's name from the call they answer."""
    if isinstance(part, ToolCall):
        names[part.id] = part.name
    elif isinstance(part, ToolResult) and not part.name:
        part.name = names.get(part.id, "")
    return part
