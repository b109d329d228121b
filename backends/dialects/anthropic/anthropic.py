"""Anthropic's messages API as a Dialect; `messages/` beside it reads and writes it."""

# compiled

from collections.abc import Mapping
from typing import ClassVar

from backends.contract import faults
from backends.contract.adapter import Wire
from backends.contract.conversation import Conversation
from backends.contract.dialect import ReplyReader, Written
from backends.contract.families import ANTHROPIC_HEADERS
from backends.contract.headers import Headers, headers
from backends.dialects.anthropic.messages.read_reply import MessagesMeaning, parse_message
from backends.dialects.anthropic.messages.write_request import OLD_VERSION, write_messages
from backends.reply.stream_reader import SseReader, WholeReader
from policies.vocabulary.failure import Fault


class Anthropic:
    """A Dialect."""

    takes: ClassVar[frozenset[bytes]] = ANTHROPIC_HEADERS

    def write(self, conversation: Conversation, model: str) -> Written:
        return write_messages(conversation, model)

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        if content_type.startswith(b"text/event-stream"):
            return SseReader(MessagesMeaning())
        return WholeReader(parse_message)

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)


class AnthropicKey:
    """Credentials: an API key, and the version that every request must name, where nobody named one."""

    __slots__ = ("_key", "_versioned")

    def __init__(self, key: str) -> None:
        self._key = headers(x_api_key=key)
        self._versioned = self._key | OLD_VERSION

    def headers(self, wire: Wire) -> Headers:
        return self._key if b"anthropic-version" in wire.headers.fields else self._versioned
