"""Decisions: pure functions over data. No I/O, no clock, no randomness; time and seed are arguments."""
