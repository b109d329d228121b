"""Which client API is served by which dialect: passed through, or translated."""
