"""What is written on the path of a request: metrics, log lines, trace ids."""
