"""Difficulty. Rule: a prompt is scored by what can be counted in it; how high is hard is learned from the scores."""
