"""The gateway: processes, HTTP, configuration, telemetry, and the journey of a request."""
