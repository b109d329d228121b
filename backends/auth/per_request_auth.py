"""An adapter wrapper that adds a credential computed for each request."""

from backends.contract.adapter import Adapter, Incoming, Wire
from backends.contract.credentials import Credentials
from backends.contract.headers import NO_HEADERS


class Signed:
    """An Adapter around another that knows nothing of credentials."""

    def __init__(self, adapter: Adapter, credentials: Credentials) -> None:
        self.credentials = credentials
        self._adapter = adapter
        self.decoder = adapter.decoder
        self.fault = adapter.fault
        self._plain = self._fields = self._both = NO_HEADERS

    def encode(self, incoming: Incoming) -> Wire:
        wire = self._adapter.encode(incoming)
        fields = self.credentials.headers(wire)
        if wire.headers is not self._plain or fields is not self._fields:  # else they are the last request's
            self._plain, self._fields, self._both = wire.headers, fields, wire.headers | fields
        wire.headers = self._both
        return wire
