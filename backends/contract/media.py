"""Media that a provider does not fetch itself: it is fetched before the request is written, and put into it."""

from collections.abc import Mapping
from typing import Protocol

from backends.contract.adapter import Media
from backends.contract.conversation import Conversation, Document, Image, Part, ToolResult
from policies.vocabulary.failure import Fault


class Fetcher(Protocol):
    """Fetches the content of URLs named by clients, guarded."""

    async def fetch(self, urls: tuple[str, ...]) -> Mapping[str, Media] | Fault:
        """The media by URL, or why there are none."""
        ...


def remote(conversation: Conversation) -> list[Image | Document]:
    """The parts that name an http(s) URL."""
    return [part for message in conversation.messages for part in _remote(message.parts)]


def inline(conversation: Conversation, fetched: Mapping[str, Media]) -> None:
    """Put fetched data in the place of URLs."""
    for part in remote(conversation):
        if part.url in fetched:
            media = fetched[part.url]
            part.media_type, part.data, part.url = media.media_type, media.data, ""


def _remote(parts: list[Part]) -> list[Image | Document]:
    found: list[Image | Document] = []
    for part in parts:
        if isinstance(part, Image | Document) and part.url.startswith(("https://", "http://")):
            found.append(part)
        elif isinstance(part, ToolResult):
            found += _remote([*part.parts])
    return found
