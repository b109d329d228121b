"""Choosing an endpoint: filters, scorers, pickers, the policies made of them, and the plan."""
