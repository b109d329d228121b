"""Background probes of engines: health, load, cache events."""
