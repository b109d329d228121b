"""Predictors. Rule: learners of what an answer will take; pure state with ``observe`` and a reading."""
