"""Bedrock's dialect: Converse for conversations, InvokeModel for embeddings."""

from collections.abc import Mapping
from typing import ClassVar

from backends.contract.conversation import Conversation
from backends.contract.dialect import ReplyReader, Written
from backends.contract.embedding import Texts, Vectors
from backends.dialects.bedrock import embedding, faults, request
from backends.dialects.bedrock.event_stream import EventStreamReader
from backends.dialects.bedrock.reply import ConverseInterpreter
from backends.reply.stream_reader import WholeReader
from policies.vocabulary.failure import Fault


class Bedrock:
    """A Dialect, and an EmbeddingDialect, of one model."""

    takes: ClassVar[frozenset[bytes]] = frozenset()

    def __init__(self, model: str) -> None:
        self._model = model

    def write(self, conversation: Conversation, model: str) -> Written:
        return request.write(conversation, model)

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        meaning = ConverseInterpreter(self._model)
        return EventStreamReader(meaning) if stream else WholeReader(meaning.whole)

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)

    def write_texts(self, texts: Texts, model: str) -> Written:
        return embedding.write_texts(texts, model)

    def read_vectors(self, body: bytes) -> Vectors:
        return embedding.read_vectors(body)
