"""Live load of endpoints: counters, breakers, budgets, and the candidates that hold them."""
