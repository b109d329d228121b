"""Prefix caches: which blocks of a prompt an endpoint is believed to hold, and what that is worth."""
