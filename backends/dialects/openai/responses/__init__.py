"""OpenAI's responses API: requests read, replies written."""
