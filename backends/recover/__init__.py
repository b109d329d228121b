"""Recovering a stream. Rule: sans-io; what a client holds, what another place is asked, and the seam between them."""
