"""OpenTelemetry GenAI names for things that have other names here."""

from backends.contract.families import FAMILY

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
    found = FAMILY.get(family)
    return (found.operation if found is not None else "") or family


def provider(name: str) -> str:
    """The name of a provider of the configuration."""
    return PROVIDERS.get(name, name)
