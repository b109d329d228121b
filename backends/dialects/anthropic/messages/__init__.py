"""Anthropic's messages dialect: requests and replies, read and written."""
