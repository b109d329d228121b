"""A client that notes what it was told, byte by byte as a raw client sees it. Rule: it judges nothing."""

from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec

from tests.engine.prompts import HELLO

TOKENS = 800  # some seconds of work, so that a death finds it unfinished
ASK: dict[str, Any] = {"model": "pool-only", "messages": HELLO, "max_tokens": TOKENS, "ignore_eos": True}
ASK_STREAM = {**ASK, "stream": True, "stream_options": {"include_usage": True}}


@dataclass
class Heard:
    """One stream, as far as it came."""

    words: int = 0
    tokens: int = 0
    finished: bool = False
    done: bool = False
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return self.finished and self.done and self.tokens == TOKENS and not self.errors

    @property
    def cut(self) -> bool:
        """It ended as a death should end: words, then an error, and no [DONE] to make it look like success."""
        return self.words > 0 and bool(self.errors) and not self.done


async def listen(http: httpx.AsyncClient, heard: Heard) -> None:
    async with http.stream("POST", "/v1/chat/completions", json=ASK_STREAM) as answer:
        assert answer.status_code == 200, (await answer.aread()).decode()
        async for line in answer.aiter_lines():
            if line == "data: [DONE]":
                heard.done = True
            elif line.startswith("data: "):
                note(heard, msgspec.json.decode(line.removeprefix("data: ")))


def note(heard: Heard, event: dict[str, Any]) -> None:
    if "error" in event:
        heard.errors.append(event["error"])
    if event.get("usage"):
        heard.tokens = event["usage"]["completion_tokens"]
    for choice in event.get("choices", ()):
        heard.words += bool(choice["delta"].get("content"))
        heard.finished = heard.finished or choice["finish_reason"] == "length"
