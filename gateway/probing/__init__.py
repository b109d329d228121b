"""What is asked of engines in the background: health, load, cache events."""
