"""Telemetry. Rule: what the process counted, read when somebody asks and told in their format; nothing is built before."""
