"""Traffic history: requests recorded by our ledger, by another gateway, or in any table. Nothing is guessed."""
