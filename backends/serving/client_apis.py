"""Client APIs by endpoint family: how a request is read, and how its answer is written."""

from collections.abc import Callable, Mapping

import msgspec

from backends.contract.conversation import Conversation
from backends.contract.dialect import Inexpressible, ReplyWriter
from backends.contract.facts import Facts
from backends.contract.media import remote
from backends.contract.peek import BadBody
from backends.contract.reply_context import Heading
from backends.dialects.anthropic.messages.read_request import NAMES as MESSAGES_NAMES
from backends.dialects.anthropic.messages.read_request import read_messages
from backends.dialects.anthropic.messages.write_reply import MessagesReply
from backends.dialects.openai.chat.read_request import read_chat
from backends.dialects.openai.chat.write_reply import ChatReply
from backends.dialects.openai.responses.read_request import NAMES as RESPONSES_NAMES
from backends.dialects.openai.responses.read_request import read_responses
from backends.dialects.openai.responses.write_reply import ResponsesReply


class ClientApi(msgspec.Struct, frozen=True):
    """``names``: what the client calls a field that OpenAI's chat, and so Conversation, calls otherwise."""

    read: Callable[[Facts], Conversation]
    reply: Callable[[Heading], ReplyWriter]
    names: Mapping[str, str] = {}


def guarded(read: Callable[[Facts], Conversation]) -> Callable[[Facts], Conversation]:
    """A reader that also refuses what a decoder, or this process, cannot take."""

    def guard(facts: Facts) -> Conversation:
        try:
            conversation = read(facts)
            if not facts.fields:  # a name that is not UTF-8, which the reader passes over
                raise BadBody("the request body is not valid UTF-8")
            return conversation
        except UnicodeDecodeError:
            raise BadBody("the request body is not valid UTF-8") from None
        except RecursionError:
            raise BadBody("the request body is nested too deeply") from None

    return guard


DOORS: Mapping[str, ClientApi] = {
    "chat": ClientApi(guarded(read_chat), ChatReply),
    "messages": ClientApi(guarded(read_messages), MessagesReply, MESSAGES_NAMES),
    "responses": ClientApi(guarded(read_responses), ResponsesReply, RESPONSES_NAMES),
}


def remote_media(facts: Facts) -> tuple[str, ...]:
    """The URLs of images and documents that a request holds, each once; none where it cannot be read."""
    api = DOORS.get(facts.family.name)
    if api is None or b"http" not in facts.body:
        return ()
    try:
        conversation = api.read(facts)
    except (BadBody, Inexpressible):  # it will be refused when it is written
        return ()
    return tuple(dict.fromkeys(part.url for part in remote(conversation)))
