"""Learners of an endpoint's speed and rate: ``observe(x, now)`` adds a sample, ``at(now)`` reads the estimate."""
