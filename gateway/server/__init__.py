"""The listeners: the public port, the admin port, reload and shutdown."""
