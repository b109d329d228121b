"""OpenTelemetry GenAI names for things that have other names here."""

OPERATIONS = {"completions": "text_completion", "responses": "chat", "messages": "chat"}


def operation(family: str) -> str:
    """The operation of an endpoint family; its own name where the conventions have none."""
    return OPERATIONS.get(family, family)
