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
from backends.responses.read_request import NAMES as RESPONSES_NAMES
from backends.responses.read_request import read_responses
from backends.responses.write_reply import ResponsesReply


class Door(msgspec.Struct, frozen=True):
    """``names``: what the client calls a field that OpenAI's chat, and so Conversation, calls otherwise."""

    read: Callable[[bytes], Conversation]
    reply: Callable[[Heading], ReplyWriter]
    names: Mapping[str, str] = {}


DOORS: Mapping[str, Door] = {
    "chat": Door(read_chat, ChatReply),
    "messages": Door(read_messages, MessagesReply, MESSAGES_NAMES),
    "responses": Door(read_responses, ResponsesReply, RESPONSES_NAMES),
}
