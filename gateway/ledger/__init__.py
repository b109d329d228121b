"""The ledger. Rule: one row a request, in SQLite, written off the path; what is lost is counted, and stops nothing."""
