"""OpenTelemetry GenAI names for things that have other names here."""

OPERATIONS = {"completions": "text_completion", "responses": "chat", "messages": "chat"}
PROVIDERS = {
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "bedrock_openai": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "vertex": "gcp.vertex_ai",
    "vertex_openai": "gcp.vertex_ai",
    "xai": "x_ai",
}


def operation(family: str) -> str:
    """The operation of an endpoint family; its own name where the conventions have none."""
    return OPERATIONS.get(family, family)


def provider(name: str) -> str:
    """The name of a provider of the configuration."""
    return PROVIDERS.get(name, name)
