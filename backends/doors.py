"""Doors. Rule: what a client may speak, by endpoint family: how its request is read, and its answer spelled."""

from collections.abc import Callable, Mapping

import msgspec

from backends.chat.read_request import read_chat
from backends.chat.write_reply import ChatReply
from backends.conversation import Conversation
from backends.dialect import ReplyWriter
from backends.heading import Heading
from backends.messages.read_request import NAMES as MESSAGES_NAMES
from backends.messages.read_request import read_messages
from backends.messages.write_reply import MessagesReply
from backends.peek import BadBody
from backends.responses.read_request import NAMES as RESPONSES_NAMES
from backends.responses.read_request import read_responses
from backends.responses.write_reply import ResponsesReply


class Door(msgspec.Struct, frozen=True):
    """``names``: what the client calls a field that OpenAI's chat, and so Conversation, calls otherwise."""

    read: Callable[[bytes], Conversation]
    reply: Callable[[Heading], ReplyWriter]
    names: Mapping[str, str] = {}


def guarded(read: Callable[[bytes], Conversation]) -> Callable[[bytes], Conversation]:
    """A reader that also refuses what a decoder, or this process, cannot take."""

    def guard(body: bytes) -> Conversation:
        try:
            return read(body)
        except UnicodeDecodeError:
            raise BadBody("the request body is not valid UTF-8") from None
        except RecursionError:
            raise BadBody("the request body is nested too deeply") from None

    return guard


DOORS: Mapping[str, Door] = {
    "chat": Door(guarded(read_chat), ChatReply),
    "messages": Door(guarded(read_messages), MessagesReply, MESSAGES_NAMES),
    "responses": Door(guarded(read_responses), ResponsesReply, RESPONSES_NAMES),
}
