"""OpenAI's chat API as a dialect, for client APIs that a server does not have itself."""

from collections.abc import Mapping
from typing import ClassVar

from backends.contract import faults
from backends.contract.conversation import Conversation
from backends.contract.dialect import ReplyReader, Written
from backends.contract.families import OPENAI_HEADERS
from backends.dialects.openai.chat.read_reply import ChatMeaning, parse_completion
from backends.dialects.openai.chat.write_request import write_chat
from backends.reply.stream_reader import SseReader, WholeReader
from policies.vocabulary.failure import Fault


class Chat:
    """A Dialect. ``target``: the path of chat completions below the deployment's root.

    ``limit``: its name for the most tokens of an answer. OpenAI's own later models refuse the old ``max_tokens``, which
    is all that many compatible servers know.
    """

    takes: ClassVar[frozenset[bytes]] = OPENAI_HEADERS

    def __init__(self, target: bytes, limit: str = "max_tokens") -> None:
        self._target = target
        self._limit = limit

    def write(self, conversation: Conversation, model: str) -> Written:
        return write_chat(conversation, model, self._target, self._limit)

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        if content_type.startswith(b"text/event-stream"):
            return SseReader(ChatMeaning())
        return WholeReader(parse_completion)

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)
