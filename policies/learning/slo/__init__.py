"""The service-level objective: predictions weighed by two prices, of a GPU-second and of a missed target."""
