"""What the endpoints of one engine share."""

from time import time  # noqa: TID251 - the engine is a server of its own: only it knows when it answered
from typing import Any
from uuid import uuid4

import msgspec

from backends.engine.errors import Refusal
from backends.engine.faults import FaultBook
from backends.engine.generation import Dialect, Generation, Usage
from backends.engine.http import Answer
from backends.engine.journal import Journal
from backends.engine.profile import Profile
from backends.engine.request_plan import Choice, Limits
from backends.engine.runner import Runner

DONE = b"data: [DONE]\n\n"


class Service:
    def __init__(
        self,
        model: str,
        profile: Profile,
        limits: Limits,
        runner: Runner,
        faults: FaultBook,
        journal: Journal | None = None,
    ) -> None:
        self.model = model
        self.profile = profile
        self.limits = limits
        self.runner = runner
        self.faults = faults
        self.journal = journal
        self.created = now()

    def check_model(self, name: str | None) -> None:
        """A request that names no model means the one there is."""
        if name and name != self.model:
            raise Refusal(404, f"The model `{name}` does not exist.", "model")

    def generate(self, answer: Answer, dialect: Dialect, choices: list[Choice], n: int, stream: bool | None) -> None:
        Generation(
            answer=answer, dialect=dialect, choices=choices, n=n, stream=bool(stream), journal=self.journal
        ).start(self.runner)


def now() -> int:
    """The second an answer says it was created."""
    return int(time())


def new_id(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex}"


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def event(value: object) -> bytes:
    """One event of a stream."""
    return b"data: %b\n\n" % msgspec.json.encode(value)


def named_event(value: dict[str, Any]) -> bytes:
    """One event of a stream whose events have names."""
    return b"event: %b\ndata: %b\n\n" % (value["type"].encode(), msgspec.json.encode(value))


def usage_object(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }
