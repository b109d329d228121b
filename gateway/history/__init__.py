"""History. Rule: what was asked of some gateway, from records of ours, of another, or any table; nothing is guessed."""
