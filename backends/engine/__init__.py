"""The embedded engine. It stands in for a vLLM replica where there is no GPU, and says so."""
