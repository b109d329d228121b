"""The service level. Rule: two prices make one objective: a GPU-second's, and a missed target's."""
