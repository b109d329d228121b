"""OpenAI's chat dialect: requests and replies, read and written."""
