"""Learned from outcomes: speed, latency, prompt caches, prices, difficulty. Pure state: ``observe`` and read."""
