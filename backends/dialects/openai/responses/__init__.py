"""OpenAI's responses dialect as a front door: requests read, replies written."""
