"""Provider by case: every dialect is held to the same laws. A provider joins by a file here and its name in `rows`."""
