"""Telemetry exports: what the process counted, read on demand, in each exporter's format."""
