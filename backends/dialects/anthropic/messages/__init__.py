"""Anthropic's messages API: requests and replies, read and written."""
