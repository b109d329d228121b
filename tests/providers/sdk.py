"""The openai SDK in front of a running gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import openai

from tests.contracts.serving import Running, running

HI: Any = [{"role": "system", "content": "Be kind"}, {"role": "user", "content": "Who is there?"}]
TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {}}}}
    for name in ("weather", "time")
]


class Served:
    """``gateway``, and the SDK's ``client`` before it."""

    def __init__(self, gateway: Running, client: openai.AsyncOpenAI) -> None:
        self.gateway = gateway
        self.client = client

    async def chat(self, model: str = "m", **more: Any) -> Any:
        return await self.client.chat.completions.create(model=model, **({"messages": HI} | more))

    async def streamed(self, model: str = "m", **more: Any) -> "Collected":
        options = {"include_usage": True}
        return await collected(await self.chat(model, stream=True, stream_options=options, **more))


class Collected:
    """A stream put together. ``calls``: name and arguments of each; ``answered``: the ids of the chunks."""

    def __init__(self) -> None:
        self.text = self.thought = self.finish = ""
        self.calls: list[list[str]] = []
        self.usage: Any = None
        self.ids: set[str] = set()


async def collected(stream: Any) -> Collected:
    whole = Collected()
    async for chunk in stream:
        whole.ids.add(chunk.id)
        whole.usage = chunk.usage or whole.usage
        for choice in chunk.choices:
            delta = choice.delta
            whole.text += delta.content or ""
            whole.thought += getattr(delta, "reasoning_content", None) or ""
            for call in delta.tool_calls or []:
                if call.index == len(whole.calls):
                    whole.calls.append([call.function.name, ""])
                whole.calls[call.index][1] += call.function.arguments or ""
            whole.finish = choice.finish_reason or whole.finish
    return whole


@asynccontextmanager
async def served(text: str) -> AsyncIterator[Served]:
    """A gateway with this configuration, and a strict client: it refuses answers that are not OpenAI's."""
    async with (
        running(text) as gateway,
        openai.AsyncOpenAI(
            base_url=f"{gateway.url}/v1", api_key="x", max_retries=0, _strict_response_validation=True
        ) as client,
    ):
        yield Served(gateway, client)
