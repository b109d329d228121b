"""Anthropic. Rule: the messages API as a Dialect: written and read by backends/messages, refusals by backends/faults."""

from collections.abc import Mapping

from backends import faults
from backends.conversation import Conversation
from backends.dialect import ReplyReader, Written
from backends.messages.read_reply import MessagesMeaning, parse_message
from backends.messages.write_request import write_messages
from backends.stream_reader import SseReader, WholeReader
from policies.failure import Fault

VERSION = "2023-06-01"  # the anthropic-version header: the only one there is


class Anthropic:
    """A Dialect."""

    def write(self, conversation: Conversation, model: str) -> Written:
        return write_messages(conversation, model)

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        if content_type.startswith(b"text/event-stream"):
            return SseReader(MessagesMeaning())
        return WholeReader(parse_message)

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)
