"""The embedded engine: an emulated vLLM replica for machines without a GPU. It says what it is."""
