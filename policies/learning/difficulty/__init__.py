"""Prompt difficulty: a score from countable features, and a learned threshold for "hard"."""
