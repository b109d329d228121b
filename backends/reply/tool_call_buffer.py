"""Buffered tool calls (`hold_tool_calls`): a client gets a tool call whole or not at all, so that a stream that breaks
within one can be retried.
"""

from collections.abc import Mapping

from backends.contract import sse
from backends.contract.decoder import Decoder
from backends.recover import chunk_json as chunk
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Usage

MAX_HELD = 1024 * 1024  # bytes; arguments longer than that are passed on as they come
_MARKS = (b'"tool_calls"', b'"function_call"')


class HeldCalls:
    """A Decoder around another one: the events of a tool call wait for the next call, or for the finish."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner
        self._held: list[bytes] = []
        self._index: object = None  # of the call that is held
        self.committed = False
        self.progressed = False
        self.fault: Fault | None = None
        self.usage: Usage = inner.usage

    @property
    def head(self) -> Mapping[bytes, bytes] | None:
        return self._inner.head

    @property
    def generated(self) -> int:
        return self._inner.generated

    def feed(self, data: bytes) -> bytes:
        inner = self._inner
        whole = inner.feed(data)
        self.progressed, self.fault, self.usage = inner.progressed, inner.fault, inner.usage
        if not self._held and not any(mark in whole for mark in _MARKS):
            self.committed = self._inner.committed
            return whole
        out = b"".join(self._event(event) for event in sse.split(whole))
        self.committed = self.committed or (inner.committed and not self._held)  # by an event that is not read here
        return out

    def close(self) -> bytes:
        last = self._inner.close()
        self.fault = self._inner.fault
        if self.fault is not None:
            return last
        return b"".join(self._event(event) for event in sse.split(last)) + self._release()

    def _event(self, event: bytes) -> bytes:
        """Hold it, or let it go with what was held before it."""
        read = chunk.read(event)
        choice = chunk.choice(read) if read is not None else None
        if choice is None:
            return self._release() + event
        if choice.get("finish_reason"):
            return self._release() + self._pass(event)
        if not chunk.calls(choice):
            if self._held:  # in order: what comes within a call waits with it
                self._held.append(event)
                return b""
            return self._pass(event) if chunk.pieces(choice) else event
        index = _index(choice)
        before = self._release() if self._held and index != self._index else b""
        self._held.append(event)
        self._index = index
        return before + (self._release() if sum(map(len, self._held)) > MAX_HELD else b"")

    def _release(self) -> bytes:
        held, self._held = self._held, []
        return self._pass(b"".join(held)) if held else b""

    def _pass(self, data: bytes) -> bytes:
        self.committed = True
        return data


def _index(choice: chunk.Json) -> object:
    calls = chunk.delta(choice).get("tool_calls")
    last = calls[-1] if isinstance(calls, list) and calls else None
    return (choice.get("index"), last.get("index") if isinstance(last, dict) else None)
