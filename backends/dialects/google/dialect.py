"""Google's dialect, one class for the Gemini API and Vertex AI."""

from collections.abc import Mapping
from typing import ClassVar

from backends.contract.conversation import Conversation
from backends.contract.dialect import ReplyReader, Written
from backends.contract.embedding import Texts, Vectors
from backends.dialects.google import embedding, faults, read_reply, write_request
from backends.dialects.google.address import model_path
from policies.vocabulary.failure import Fault


class Google:
    """A Dialect and an EmbeddingDialect. ``resource``: what stands before a model's collection in Vertex's paths,
    ``projects/P/locations/L``; empty where an API key says it.
    """

    takes: ClassVar[frozenset[bytes]] = frozenset()

    def __init__(self, resource: str = "", *, vertex: bool = False) -> None:
        self._resource = resource
        self._vertex = vertex

    def write(self, conversation: Conversation, model: str) -> Written:
        return write_request.write(conversation, model, self._path(model), vertex=self._vertex)

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        return read_reply.Stream() if content_type.startswith(b"text/event-stream") else read_reply.whole()

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)

    def write_texts(self, texts: Texts, model: str) -> Written:
        return embedding.write(texts, model, self._path(model), vertex=self._vertex)

    def read_vectors(self, body: bytes) -> Vectors:
        return embedding.read(body)

    def _path(self, model: str) -> bytes:
        return model_path(self._resource, "publishers/google/models/" if self._vertex else "models/", model)
