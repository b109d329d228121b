"""Live state of this process: loads, predictions, prompt caches, and their checkpoint."""
