"""vLLM's metrics and KV-cache events."""
