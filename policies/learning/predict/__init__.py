"""Predictors of latency and output length: pure state, ``observe`` and a reading."""
