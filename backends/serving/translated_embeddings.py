"""OpenAI embeddings for providers with their own embedding call."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from backends.contract import faults
from backends.contract.adapter import Incoming, Unsendable, Wire
from backends.contract.decoder import Decoder
from backends.contract.dialect import Inexpressible
from backends.contract.embedding import EmbeddingDialect, read_texts, write_vectors
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.peek import BadBody
from backends.serving.translated import foreign
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE, Usage


class Embedder(EmbeddingDialect, Protocol):
    """A dialect of embeddings that knows what a refusal means."""

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault: ...


class TranslatedEmbeddings:
    """The embeddings of one endpoint of a deployment that speaks a dialect of its own. ``drop``: as in Translated."""

    def __init__(self, place: EndpointAddress, model: str, dialect: Embedder, *, drop: bool) -> None:
        self._place = place
        self._model = model
        self._dialect = dialect
        self._drop = drop

    def encode(self, incoming: Incoming) -> Wire:
        try:
            texts = read_texts(incoming.facts.body)
            written = self._dialect.write_texts(texts, self._model)
        except (BadBody, Inexpressible) as problem:
            raise Unsendable(Fault(Failure.BAD_REQUEST, str(problem), param=problem.param)) from None
        if written.dropped and not self._drop:
            raise Unsendable(faults.unsupported(written.dropped, self._model))
        incoming.dropped = written.dropped
        return self._place.wire(incoming, written)

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        in_base64 = incoming.facts.value("encoding_format") == "base64"
        return _Vectors(self._dialect, self._model, in_base64, incoming.dropped)

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return foreign(self._dialect.fault(status, headers, body))


class _Vectors:
    """A Decoder of a whole answer."""

    __slots__ = ("_dialect", "_in_base64", "_model", "_parts", "committed", "fault", "head", "progressed", "usage")
    generated = 0

    def __init__(self, dialect: Embedder, model: str, in_base64: bool, dropped: tuple[str, ...]) -> None:
        self._dialect = dialect
        self._model = model
        self._in_base64 = in_base64
        self._parts: list[bytes] = []
        self.committed = False
        self.progressed = True
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE
        self.head = {b"content-type": b"application/json"}
        if dropped:
            self.head[b"x-cloverleaf-dropped"] = ", ".join(dropped).encode("ascii", "replace")

    def feed(self, data: bytes) -> bytes:
        self._parts.append(data)
        return b""

    def close(self) -> bytes:
        try:
            vectors = self._dialect.read_vectors(b"".join(self._parts))
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            self.fault = Fault(Failure.MALFORMED, f"the upstream's embeddings are malformed: {error}")
            return b""
        self.usage = vectors.usage
        self.committed = True
        return write_vectors(vectors, self._model, self._in_base64)
