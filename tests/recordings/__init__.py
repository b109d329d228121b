"""Recorded traffic of real providers, held to our readers and writers. It lies beside the checkout, or is skipped."""
