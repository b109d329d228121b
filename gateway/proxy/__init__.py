"""A request's journey: authorise, resolve the model, plan, attempt, relay, record."""
