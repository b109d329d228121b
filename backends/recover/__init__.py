"""Continuing a broken stream, sans-io: what the client has, what the next endpoint is sent, and how the two are
joined.
"""
