"""One request from submission to its last byte, in any dialect. A client that leaves frees it."""

from typing import Protocol

import msgspec

from backends.engine.http import Answer
from backends.engine.journal import End, Journal, Line
from backends.engine.request_plan import Choice
from backends.engine.runner import Runner
from backends.engine.sequence import Event


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int


class Dialect(Protocol):
    """How choices look on the wire: four kinds of events, or one body."""

    def opening(self) -> list[bytes]: ...
    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]: ...
    def closing(self, usage: Usage) -> list[bytes]: ...
    def body(self, usage: Usage) -> bytes: ...


class Generation:
    """`n` is how many neighbouring choices share one prompt: their prompt is counted once."""

    def __init__(
        self, answer: Answer, dialect: Dialect, choices: list[Choice], n: int, stream: bool, journal: Journal | None
    ) -> None:
        self._answer = answer
        self._journal = journal
        self._dialect = dialect
        self._choices = choices
        self._n = n
        self._stream = stream
        self._produced = [0] * len(choices)
        self._left = len(choices)
        self._events: list[bytes] = []
        self._opened = False
        self._closed = False

    def start(self, runner: Runner) -> None:
        self._runner = runner
        if self._stream:
            self._answer.open_stream()
        self._sequences = runner.submit([choice.work for choice in self._choices], self)
        self._answer.on_leave = self._abandon

    def take(self, index: int, event: Event) -> None:
        self._advance(index, event.produced, event.finished)

    def cut(self, index: int) -> None:
        """The engine aborts this choice: it ends where it is."""
        choice, produced = self._choices[index], self._produced[index]
        choice.pieces, choice.finish = choice.pieces[:produced], "abort"
        self._advance(index, produced, finished=True)

    def flush(self) -> None:
        events, self._events = self._events, []
        if self._left:
            if events:
                self._answer.send(events)
        elif not self._closed:
            self._closed = True
            self._close(events)

    def _advance(self, index: int, produced: int, finished: bool) -> None:
        if self._stream:
            if not self._opened:
                self._opened = True
                self._events += self._dialect.opening()
            self._events += self._dialect.delta(index, self._produced[index], produced, finished)
        self._produced[index] = produced
        self._left -= finished

    def _close(self, events: list[bytes]) -> None:
        self._note("finished")
        if self._stream:
            self._answer.send(events + self._dialect.closing(self._usage()))
            self._answer.finish()
        else:
            self._answer.respond(200, self._dialect.body(self._usage()))

    def _usage(self) -> Usage:
        firsts = self._sequences[:: self._n]
        return Usage(
            sum(sequence.work.prompt_tokens for sequence in firsts),
            sum(self._produced),
            sum(sequence.cached_tokens for sequence in firsts),
        )

    def _note(self, end: End) -> None:
        if self._journal is not None:
            usage = self._usage()
            tokens = usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens
            self._journal.write(Line(self._answer.id, *tokens, end))

    def _abandon(self) -> None:
        self._note("aborted")
        for sequence in self._sequences:
            self._runner.abort(sequence)
