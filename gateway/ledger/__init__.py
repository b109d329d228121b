"""The ledger: one row per request in SQLite, written off the request path. What is lost is counted and stops
nothing.
"""
