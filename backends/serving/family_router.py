"""An adapter that passes some endpoint families through and translates the others."""

# compiled

from collections.abc import Mapping

from backends.contract.adapter import Adapter, Incoming, Wire
from backends.contract.decoder import Decoder
from policies.vocabulary.failure import Fault


class ByFamily:
    """An Adapter that hands each request to the one for its family."""

    def __init__(self, adapters: Mapping[str, Adapter]) -> None:
        self._adapters = adapters

    def encode(self, incoming: Incoming) -> Wire:
        return self._adapters[incoming.facts.family.name].encode(incoming)

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        return self._adapters[incoming.facts.family.name].decoder(incoming, content_type)

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return self._adapters[incoming.facts.family.name].fault(incoming, status, headers, body)
