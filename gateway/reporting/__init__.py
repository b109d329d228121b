"""What operators see: status, traffic statistics, alerts, telemetry, the console."""
