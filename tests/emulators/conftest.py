"""A certificate, for clients that send a bearer over TLS only."""

from tests.backends.transports.conftest import certificate

__all__ = ["certificate"]
