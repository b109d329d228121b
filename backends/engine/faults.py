"""Fault injection: an engine misbehaves as `POST /fault` or its constructor says, and so often."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Annotated, Any, Literal

import msgspec

from backends.engine.http import Answer

Kind = Literal["status", "delay", "reset", "stall", "cut", "garbage", "health"]


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to misbehave. `after`: events of a stream (0: before any byte); a plain body breaks midway."""

    kind: Kind
    family: str | None = None  # the endpoint family; None: all that work on prompts
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 503
    body: Any = None
    headers: dict[str, str] = {}
    delay: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # seconds before the first byte
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None  # None: always
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    seed: int = 0

    def applies(self, family: str, control: bool) -> bool:
        if self.kind == "health":
            return family == "health"
        return not control if self.family is None else family == self.family

    def answer(self, answer: Answer) -> None:
        """Answer with the fault's status."""
        error = {"message": "injected fault", "type": "InternalServerError", "param": None, "code": self.status}
        body = {"error": error} if self.body is None else self.body
        answer.respond(
            self.status, body.encode() if isinstance(body, str) else msgspec.json.encode(body), headers=self.headers
        )


class Armed(msgspec.Struct):
    fault: Fault
    met: int = 0
    hits: int = 0

    def strikes(self) -> bool:
        """Whether this meeting strikes; the sequence of strikes follows from the seed."""
        if self.fault.times is not None and self.hits == self.fault.times:
            return False
        self.met += 1
        draw = int.from_bytes(blake2b(f"{self.fault.seed}/{self.met}".encode(), digest_size=8).digest()) / 2**64
        if draw >= self.fault.probability:
            return False
        self.hits += 1
        return True


class FaultBook:
    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self.armed = [Armed(fault) for fault in faults]

    def arm(self, fault: Fault) -> None:
        self.armed.append(Armed(fault))

    def draw(self, family: str, control: bool) -> Fault | None:
        """The first armed fault that strikes this request."""
        for armed in self.armed:
            if armed.fault.applies(family, control) and armed.strikes():
                return armed.fault
        return None
