"""A spliced stream: two upstream streams joined into one, with the first one's id and role.

A seam is the decoder of the attempt that takes over. What it does with each piece of text is its join's: go on from it
(``continue``), or drop what the client has (``realign``). A declared comment marks the place.
"""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from backends.contract import sse
from backends.contract.adapter import Adapter, Incoming, Wire
from backends.contract.decoder import Decoder
from backends.contract.usage import Counted
from backends.recover import chunk_json as chunk
from backends.recover.chunk_json import Json, Piece
from backends.recover.transcript import Kept
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Usage

DONE = b"data: [DONE]\n\n"


class Join(Protocol):
    """``diverged``: this stream is another one. ``ended``: the answer is complete at the stop string ``stop``."""

    diverged: bool
    ended: bool
    stop: str

    def pieces(self, given: list[Piece], last: bool) -> list[Piece]:
        """What of these pieces of text the client gets, in order; ``last``: a finish reason came with them."""

    def usage(self, own: Usage) -> Usage:
        """What the client received, given what this stream says of itself."""


class Mend(msgspec.Struct):
    """How a stream is mended. ``prompt_tokens``: of the attempt that takes over, estimated, for want of its usage."""

    join: Join
    kept: Kept
    comment: bytes
    include_usage: bool
    prompt_tokens: int


class Mending:
    """An adapter whose answers are read through a seam."""

    def __init__(self, adapter: Adapter, mend: Mend) -> None:
        self._adapter = adapter
        self._mend = mend

    def encode(self, incoming: Incoming) -> Wire:
        return self._adapter.encode(incoming)

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return self._adapter.fault(incoming, status, headers, body)

    def decoder(self, incoming: Incoming, content_type: bytes) -> "SplicedStream":
        seam = SplicedStream(self._adapter.decoder(incoming, content_type), self._mend)
        if not content_type.startswith(b"text/event-stream"):
            seam.fault = Fault(Failure.MALFORMED, "the upstream did not answer with a stream")
        return seam


class SplicedStream:
    """A Decoder around another one. ``over``: the answer was ended here, and the upstream can stop; ``tokens``: chunks
    of something generated."""

    def __init__(self, inner: Decoder, mend: Mend) -> None:
        self._inner = inner
        self._mend = mend
        self.fault: Fault | None = None
        self.usage: Usage = inner.usage  # what the client received
        self.committed = False
        self.progressed = False
        self.over = False
        self.tokens = 0

    @property
    def head(self) -> Mapping[bytes, bytes] | None:
        return self._inner.head

    @property
    def generated(self) -> int:
        return self.tokens

    def counted(self) -> Usage:
        """What this attempt alone read and generated: as its upstream says, else estimated."""
        own = self._inner.usage
        return own if own.source == "upstream" else Usage(self._mend.prompt_tokens, self.tokens, 0, "estimated")

    def received(self) -> Usage:
        """What the client received in all, in the same way."""
        return self._mend.join.usage(self.counted())

    def feed(self, data: bytes) -> bytes:
        if self.over or self.fault is not None:
            return b""
        return self._through(self._inner.feed(data))

    def close(self) -> bytes:
        if self.over or self.fault is not None:
            return b""
        last = self._through(self._inner.close())
        if self.fault is None and not self.committed:
            self.fault = Fault(Failure.MALFORMED, "the upstream's stream held nothing")
        return last

    def _through(self, whole: bytes) -> bytes:
        """What the client gets of these events."""
        began, inner = self.committed, self._inner
        out = b"".join(self._event(event) for event in sse.split(whole))
        self.progressed, self.usage = inner.progressed, self._mend.join.usage(inner.usage)
        self.fault = self.fault or inner.fault
        return self._mend.comment + out if self.committed and not began else out

    def _event(self, event: bytes) -> bytes:
        if self.over or self.fault is not None:
            return b""
        read = chunk.read(event)
        if read is None:  # [DONE], or a comment
            return event if self.committed else b""
        read.update(self._mend.kept.head)
        if isinstance(read.get("usage"), dict):
            own = msgspec.convert(read["usage"], Counted).usage()
            read["usage"] = _counted(read["usage"], self._mend.join.usage(own))
        choice = chunk.choice(read)
        return chunk.write(read) if choice is None else self._choice(read, choice)

    def _choice(self, read: Json, choice: Json) -> bytes:
        """The chunk as the client gets it; empty when nothing of it is left."""
        given, finish, join = chunk.pieces(choice), choice.get("finish_reason"), self._mend.join
        self.tokens += bool(given)
        chunk.delta(choice).pop("role", None)
        kept = join.pieces(given, bool(finish))
        if join.diverged:
            self.fault = Fault(Failure.BROKEN_STREAM, "the stream broke, and another run of it said something else")
            return b""
        if join.ended:
            self.over = self.committed = True
            return self._end(read, choice, kept)
        if not kept and not finish and not chunk.calls(choice):
            return b""
        self.committed = True
        if kept == given:
            return chunk.write(read)
        return b"".join(chunk.write(part) for part in _parts(read, choice, given, kept))

    def _end(self, read: Json, choice: Json, kept: list[Piece]) -> bytes:
        """The answer ends at a stop string that lies across the seam."""
        text = "".join(text for _, text in kept)
        said: Json = {"text": text} if "text" in choice else {"delta": {"content": text} if text else {}}
        last = {"index": 0, **said, "logprobs": None, "finish_reason": "stop", "stop_reason": self._mend.join.stop}
        usage = self._mend.join.usage(self.counted())
        return _closing({**read, "choices": [last]}, usage if self._mend.include_usage else None)


def _parts(read: Json, choice: Json, given: list[Piece], kept: list[Piece]) -> list[Json]:
    """One chunk for each piece kept; the last one carries whatever else the chunk held."""
    said = chunk.delta(choice)
    for channel, _ in given:
        said[channel] = ""
    *before, last = kept or [("", "")]
    chunks = [_only(read, choice, piece) for piece in before]
    if last[0]:
        said[last[0]] = last[1]
    return [*chunks, read]


def _only(read: Json, choice: Json, piece: Piece) -> Json:
    channel, text = piece
    bare: Json = {"index": choice.get("index", 0), "logprobs": None, "finish_reason": None}
    alone = {**bare, "text": text} if channel == "text" else {**bare, "delta": {channel: text}}
    return {key: value for key, value in read.items() if key != "usage"} | {"choices": [alone]}


def _counted(given: Json, usage: Usage) -> Json:
    """A ``usage`` object with these tokens in it."""
    counted = {"prompt_tokens": usage.prompt, "completion_tokens": usage.completion}
    made = {**given, **counted, "total_tokens": usage.prompt + usage.completion}
    if isinstance(details := made.get("prompt_tokens_details"), dict):
        made["prompt_tokens_details"] = {**details, "cached_tokens": usage.cached}
    return made


def _closing(last: Json, usage: Usage | None) -> bytes:
    return chunk.write(last) + _after(last, usage)


def _after(last: Json, usage: Usage | None) -> bytes:
    """What comes after the last choice."""
    return (chunk.write({**last, "choices": [], "usage": _counted({}, usage)}) if usage is not None else b"") + DONE


def ending(kept: Kept, family: str, usage: Usage | None) -> bytes:
    """What an answer lacks whose stream died when all was said: its finish reason (its limit of tokens was reached),
    and what comes after it. ``usage``: where it is still to be told."""
    text = family == "completions"
    bare = {**kept.head, "object": "text_completion" if text else "chat.completion.chunk"}
    if kept.finished:
        return _after(bare, usage)
    said: Json = {"text": ""} if text else {"delta": {}}
    last = {"index": 0, **said, "logprobs": None, "finish_reason": "length"}
    return _closing({**bare, "choices": [last]}, usage)
