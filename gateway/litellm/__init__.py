"""The LiteLLM importer: settings with a counterpart are converted, others are listed, and no secret is copied."""
