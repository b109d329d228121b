"""Transports: the only files of this room that own sockets, besides the embedded engine."""
