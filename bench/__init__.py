"""The bench. Rule: a figure is a subject's own CPU time or its clients' clocks, in the same minutes as the floor's."""
