"""Reports. Rule: what a history says by itself, what simulation adds and how surely, and what is not known."""
