"""An adapter wrapper that adds a credential computed for each request."""

# compiled

from backends.contract.adapter import Adapter, Incoming, Wire
from backends.contract.credentials import Credentials
from backends.contract.headers import LastJoined


class Signed:
    """An Adapter around another that knows nothing of credentials."""

    def __init__(self, adapter: Adapter, credentials: Credentials) -> None:
        self.credentials = credentials
        self._adapter = adapter
        self.decoder = adapter.decoder
        self.fault = adapter.fault
        self._joined = LastJoined()

    def encode(self, incoming: Incoming) -> Wire:
        wire = self._adapter.encode(incoming)
        wire.headers = self._joined.join(wire.headers, self.credentials.headers(wire))
        return wire
