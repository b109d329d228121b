"""Prompts by difficulty: what `quality` asks of the gateway, and the command that fits its weights."""
