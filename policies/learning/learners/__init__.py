"""Learners: what outcomes teach of an endpoint. Read by ``at(now)``; written by ``observe(x, now)``, which only the
live ledger calls."""
