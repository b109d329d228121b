"""Media by URL: fetched before a request is written for a provider that cannot fetch it itself.

Where the data is not there yet, `Unfetched` says what is wanted and who can get it; once it is there, the request is
written again.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from backends.contract.adapter import Media
from backends.contract.conversation import Conversation, Document, Image, Part, ToolResult
from backends.contract.transport import Exchange
from policies.vocabulary.failure import Fault

#: Hears what became of a fetch: the media by URL, or why there are none.
Done = Callable[[Mapping[str, Media] | Fault], None]


class Fetcher(Protocol):
    """Gets what URLs of strangers hold, guarded."""

    def fetch(self, urls: tuple[str, ...], done: Done) -> Exchange:
        """Begin; ``done`` is called later, once, unless it is cancelled."""
        ...


class Unfetched(Exception):
    """The request holds URLs whose content must be fetched before it can be written."""

    def __init__(self, urls: tuple[str, ...], fetcher: Fetcher) -> None:
        super().__init__(f"{len(urls)} to fetch")
        self.urls = urls
        self.fetcher = fetcher


def inline(conversation: Conversation, fetched: Mapping[str, Media], fetcher: Fetcher) -> None:
    """Put fetched data in the place of http(s) URLs.

    Raises:
        Unfetched: some are not there yet.
    """
    remote = [part for message in conversation.messages for part in _remote(message.parts)]
    missing = tuple(dict.fromkeys(part.url for part in remote if part.url not in fetched))
    if missing:
        raise Unfetched(missing, fetcher)
    for part in remote:
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
