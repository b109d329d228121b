"""Dashboards and alerts. Rule: made by `python -m dashboards` from the metrics' own table: no name can drift."""
