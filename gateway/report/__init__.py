"""Reports on recorded traffic: what it shows, what simulation adds, how sure that is, and what is unknown."""
