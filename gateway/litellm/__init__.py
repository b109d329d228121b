"""LiteLLM's configuration. Rule: what has a place here is placed, what has none is named, and no secret is copied."""
