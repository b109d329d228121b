"""Real traffic of providers, from ``../shared/recordings``; skipped where that is absent."""
