"""OpenAI's chat API: requests and replies, read and written."""
