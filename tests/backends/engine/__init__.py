"""The embedded engine, alone."""
