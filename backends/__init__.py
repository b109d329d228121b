"""Dialects and bytes: requests to wire bytes; reply bytes to events, usage and failures."""
