"""Telemetry. Rule: what the process counted, read when somebody asks, told in their format; nothing is built before."""
