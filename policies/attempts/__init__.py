"""What happens after a decision: attempts, retries, hedges, waiting, recovery, and the outcome."""
