"""Continuation modes: each decides, piece by piece, what of the second stream the client still lacks."""

from backends.recover.chunk_json import Piece
from backends.recover.transcript import Kept
from policies.vocabulary.types import Usage


class Continuing:
    """The stream goes on from the kept text. Only a stop string that lies across the seam must be found here: one that
    lies behind it is the upstream's to find."""

    diverged = False

    def __init__(self, kept: Kept, stops: tuple[str, ...], include_stop: bool) -> None:
        text = kept.content
        longest = max(map(len, stops), default=1)
        self._tail = text[len(text) - min(len(text), longest - 1) :]
        self._tokens = kept.tokens
        self._stops = stops
        self._include_stop = include_stop
        self._held: list[Piece] = []
        self.ended = False
        self.stop = ""

    def pieces(self, given: list[Piece], last: bool) -> list[Piece]:
        if not self._tail:
            return given
        self._held += given
        new = "".join(text for _, text in self._held)
        found = self._across(new)
        if found is not None:
            self.ended, self.stop, end = True, found[0], found[1]
            return _first(self._held, end if self._include_stop else 0)
        if not last and self._may_still(new):
            return []
        released, self._held = self._held, []
        self._tail = ""  # whatever began in it was contradicted
        return released

    def usage(self, own: Usage) -> Usage:
        """The text so far was generated once and then read as prompt: it counts as generated."""
        if own.source == "none":
            return own
        prompt = max(0, own.prompt - self._tokens)
        return Usage(prompt, own.completion + self._tokens, min(own.cached, prompt), own.source)

    def _across(self, new: str) -> tuple[str, int] | None:
        """The stop string that begins in the tail, and where it ends in the new text."""
        whole = self._tail + new
        found = [(at, stop) for stop in self._stops if 0 <= (at := whole.find(stop)) < len(self._tail)]
        at, stop = min(found, default=(0, ""))
        return (stop, at + len(stop) - len(self._tail)) if stop else None

    def _may_still(self, new: str) -> bool:
        """Whether some stop string has begun in the tail and not yet been contradicted."""
        whole = self._tail + new
        starts = range(len(self._tail))
        return any(len(stop) > len(whole) - at and stop.startswith(whole[at:]) for stop in self._stops for at in starts)


class Realigning:
    """The stream begins anew: what the client has is dropped while it matches to the byte."""

    ended = False
    stop = ""

    def __init__(self, kept: Kept) -> None:
        self._expected = list(kept.said)
        self._at = 0  # in the first of them
        self.diverged = False

    @property
    def matched(self) -> bool:
        return not self._expected

    def pieces(self, given: list[Piece], last: bool) -> list[Piece]:
        new = [piece for channel, text in given if (piece := self._rest(channel, text))[1]]
        self.diverged = self.diverged or (last and not self.matched)
        return new

    def usage(self, own: Usage) -> Usage:
        return own

    def _rest(self, channel: str, text: str) -> Piece:
        """What of a piece lies beyond what was sent."""
        while text and self._expected and not self.diverged:
            expected, whole = self._expected[0]
            part = whole[self._at : self._at + len(text)]
            if channel != expected or not text.startswith(part):
                self.diverged = True
                return channel, ""
            text = text[len(part) :]
            self._at += len(part)
            if self._at == len(whole):
                self._expected.pop(0)
                self._at = 0
        return channel, text


class Restarting:
    """Only reasoning was shown: what is said now comes after it."""

    diverged = False
    ended = False
    stop = ""

    def __init__(self, kept: Kept) -> None:
        self._tokens = kept.tokens

    def pieces(self, given: list[Piece], last: bool) -> list[Piece]:
        return given

    def usage(self, own: Usage) -> Usage:
        if own.source == "none":
            return own
        return Usage(own.prompt, own.completion + self._tokens, own.cached, own.source)


def _first(pieces: list[Piece], size: int) -> list[Piece]:
    """The first ``size`` characters."""
    kept: list[Piece] = []
    for channel, text in pieces:
        if size > 0:
            kept.append((channel, text[:size]))
        size -= len(text)
    return kept
