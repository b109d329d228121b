"""Client APIs, one descriptor each: how a request is read, and how replies and errors are written."""

from collections.abc import Callable, Mapping

import msgspec

from backends.contract.client_error import ClientError
from backends.contract.conversation import Conversation
from backends.contract.dialect import Inexpressible, ReplyWriter
from backends.contract.facts import Facts
from backends.contract.families import FAMILIES, Family
from backends.contract.media import remote
from backends.contract.peek import BadBody
from backends.contract.reply_context import Heading
from backends.dialects.anthropic.messages import write_error as anthropic_error
from backends.dialects.anthropic.messages.read_request import NAMES as MESSAGES_NAMES
from backends.dialects.anthropic.messages.read_request import read_messages
from backends.dialects.anthropic.messages.write_reply import MessagesReply
from backends.dialects.openai import write_error as openai_error
from backends.dialects.openai.chat.read_request import read_chat
from backends.dialects.openai.chat.write_reply import ChatReply
from backends.dialects.openai.responses.read_request import NAMES as RESPONSES_NAMES
from backends.dialects.openai.responses.read_request import read_responses
from backends.dialects.openai.responses.write_reply import ResponsesReply


class ClientApi(msgspec.Struct, frozen=True):
    """One API.

    ``read`` and ``reply``: of a request that is translated. ``error``: the body of an error, and ``stream_error`` the
    event that ends a stream that broke. ``token_count``: the answer to a question for a prompt's tokens, where the API
    has one. ``names``: what it calls a field that OpenAI's chat, and so Conversation, calls otherwise.
    """

    name: str
    read: Callable[[Facts], Conversation]
    reply: Callable[[Heading], ReplyWriter]
    error: Callable[[ClientError], bytes]
    stream_error: Callable[[ClientError], bytes]
    token_count: Callable[[int], bytes] | None = None
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


CHAT = ClientApi(
    "chat",
    read=guarded(read_chat),
    reply=ChatReply,
    error=openai_error.error_body,
    stream_error=openai_error.error_chunk,
)
CLIENT_APIS = (
    CHAT,
    ClientApi(
        "responses",
        read=guarded(read_responses),
        reply=ResponsesReply,
        error=openai_error.error_body,
        stream_error=openai_error.error_event,
        names=RESPONSES_NAMES,
    ),
    ClientApi(
        "messages",
        read=guarded(read_messages),
        reply=MessagesReply,
        error=anthropic_error.error_body,
        stream_error=anthropic_error.error_event,
        token_count=anthropic_error.token_count,
        names=MESSAGES_NAMES,
    ),
)
_API = {family.name: api for family in FAMILIES for api in CLIENT_APIS if api.name == family.api}
#: The families that are translated for upstreams that do not answer them.
TRANSLATED: Mapping[str, ClientApi] = {family.name: _API[family.name] for family in FAMILIES if family.translated}


def client_api(family: Family) -> ClientApi:
    """The API that an endpoint family belongs to."""
    return _API[family.name]


def remote_media(facts: Facts) -> tuple[str, ...]:
    """The URLs of images and documents that a request holds, each once; none where it cannot be read."""
    api = TRANSLATED.get(facts.family.name)
    if api is None or api.read is None or b"http" not in facts.body:
        return ()
    try:
        conversation = api.read(facts)
    except (BadBody, Inexpressible):  # it will be refused when it is written
        return ()
    return tuple(dict.fromkeys(part.url for part in remote(conversation)))
