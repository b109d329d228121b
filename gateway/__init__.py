"""Serve: processes, HTTP, configuration, telemetry, and the journey of a request."""
