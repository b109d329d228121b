"""Counts. Rule: each recorded answer and request of every provider is gone through again, and told in one row.

An answer counts when it is read without a fault, a request when we can say all of it; what we cannot has its reason.
"""

from collections import Counter
from collections.abc import Iterator

import msgspec

from tests.recordings import outcome, test_bedrock, test_compatible, test_google, test_responses
from tests.recordings.scope import reason
from tests.recordings.sources import SOURCES, Source
from tests.recordings.vcr import exchanges

#: What is on file and is not gone through, with its reason.
BEYOND = {"bedrock-invoke": "InvokeModel takes each model's own dialect; Converse is what is spoken of Bedrock"}


class Row(msgspec.Struct):
    """``answers`` with status 200, ``streamed`` ones among them, ``read`` without a fault: the others are errors.

    ``requests`` of those answers that are on file; ``reasons`` why some cannot be said.
    """

    name: str
    answers: int = 0
    streamed: int = 0
    read: int = 0
    requests: int = 0
    expressed: int = 0
    reasons: Counter[str] = msgspec.field(default_factory=Counter)

    def answer(self, *, streamed: bool, read: bool) -> None:
        self.answers += 1
        self.streamed += streamed
        self.read += read

    def request(self, why: str) -> None:
        """``why`` it cannot be said; empty: it can."""
        self.requests += 1
        if why:
            self.reasons[why] += 1
        else:
            self.expressed += 1


def rows() -> Iterator[Row]:
    for source in SOURCES:
        yield _translated(source)
    yield _bedrock()
    yield from map(_google, test_google.PROVIDERS)
    yield from _passed()
    yield _responses()


def beyond() -> Iterator[tuple[str, int, str]]:
    """Folders that are left alone: their exchanges and why."""
    for folder, why in BEYOND.items():
        yield folder, sum(1 for _ in exchanges(folder)), why


def _translated(source: Source) -> Row:
    row = Row(source.name)
    for each in source.exchanges():
        if each.status == 200:
            row.answer(streamed=each.streamed, read=not outcome.reply(source, each))
            if source.reads and each.request:
                said = outcome.request(source, each)
                row.request(reason(said) if said else "")
    return row


def _bedrock() -> Row:
    row = Row("bedrock")
    for one in test_bedrock.ANSWERED:
        streamed = one.url.endswith("-stream")
        row.answer(streamed=streamed, read=test_bedrock.answered(one)[1].fault is None)
        said = test_bedrock.said(one)
        row.request("" if said == "said the same" else said)
    return row


def _google(provider: str) -> Row:
    row = Row(provider)
    for one in test_google.chats(provider):
        if one.status == 200:
            row.answer(streamed=one.stream, read=test_google.read(one)[1] is None)
            if one.request is not None:
                said = test_google.said(provider, one).removeprefix("out of scope: ")
                row.request("" if said == test_google.SAME else said)
    return row


def _passed() -> Iterator[Row]:
    """Those that speak OpenAI's API: bytes pass as they are, both ways."""
    found: dict[str, Row] = {}
    for provider, one in test_compatible.ANSWERED:
        name = f"{provider} {test_compatible.path_of(one)}, passed"
        row = found.setdefault(name, Row(name))
        streamed, decoder = test_compatible.answer(provider, one)[1:]
        row.answer(streamed=streamed, read=decoder.fault is None)
        row.request("")
    for kept in test_compatible.KEPT:
        name = f"{kept.provider} {kept.path}, passed"
        row = found.setdefault(name, Row(name))
        row.answer(streamed=kept.streamed, read=test_compatible.read_kept(kept)[1].fault is None)
    yield from found.values()


def _responses() -> Row:
    row = Row("/responses of openai, anthropic, azure")
    for each in test_responses.CALLS:
        row.answer(streamed=each.streamed, read=test_responses.read(each).fault is None)
        said = test_responses.said(each)
        row.request(reason(said) if said else "")
    return row
