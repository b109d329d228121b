"""What an upstream reply says: content, usage, quotas, and failures, read from its bytes."""
