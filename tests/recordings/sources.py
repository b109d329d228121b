"""Sources. Rule: whose recordings they are, how we read and write that dialect, and what the provider itself counted.

A provider joins by a row of SOURCES.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from backends.contract.conversation import Conversation
from backends.contract.dialect import Dialect
from backends.contract.facts import Facts
from backends.dialects.anthropic.anthropic import Anthropic
from backends.dialects.anthropic.messages.read_request import read_messages
from backends.dialects.openai.chat.dialect import Chat
from backends.dialects.openai.chat.read_request import read_chat
from tests.recordings.reading import Exchange, exchanges

Tokens = tuple[int, int]


class Source(msgspec.Struct, frozen=True):
    """``counted``: prompt and completion tokens by the provider's own words, of a whole body or of stream events.

    ``reads``: its requests as conversations, where it is a door of ours too.
    """

    name: str
    folder: str
    uri: str
    dialect: Dialect
    counted: Callable[[list[dict[str, Any]]], Tokens]
    reads: Callable[[Facts], Conversation] | None = None

    def exchanges(self) -> tuple[Exchange, ...]:
        return exchanges(self.folder, self.uri)


def anthropic_count(events: list[dict[str, Any]]) -> Tokens:
    """Cached tokens are beside the others; later totals stand for earlier ones."""
    usage: dict[str, int] = {}
    for event in events:
        said = event.get("usage") or event.get("message", {}).get("usage") or {}
        usage |= {key: value for key, value in said.items() if isinstance(value, int)}
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(usage.get(part, 0) for part in parts), usage["output_tokens"]


def chat_count(events: list[dict[str, Any]]) -> Tokens:
    usage = next((event["usage"] for event in reversed(events) if event.get("usage")), {})
    return usage.get("prompt_tokens", 0), usage.get("completion_tokens", 0)


SOURCES: tuple[Source, ...] = (
    Source("anthropic", "anthropic", r"anthropic\.com/v1/messages(\?|$)", Anthropic(), anthropic_count, read_messages),
    Source(
        "openai chat", "openai", r"openai\.com/v1/chat/completions", Chat(b"/chat/completions"), chat_count, read_chat
    ),
    Source("groq", "groq", r"groq\.com/openai/v1/chat/completions", Chat(b"/chat/completions"), chat_count, read_chat),
)
