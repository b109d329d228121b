"""Upstream credentials: signatures and tokens that are made or refreshed here."""
