"""Stages. Rule: one gateway before one emulated provider, for each dialect, whose model then does what is asked.

``TOLD`` are the five things every provider is asked for; a model is scripted to answer each, or the emulator makes its
answer out of the request.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.contracts.scripted import upstream
from tests.contracts.serving import Running, running
from tests.emulators.anthropic import Anthropic
from tests.emulators.anthropic import Says as ClaudeSays
from tests.emulators.aws_signature import Identity
from tests.emulators.azure import Azure
from tests.emulators.azure import Says as AzureSays
from tests.emulators.bedrock import Bedrock
from tests.emulators.bedrock import Says as ConverseSays
from tests.emulators.google import KEY, emulated

TOLD = ("chat", "tools", "image", "json_schema", "reasoning")
DIALECTS = ("anthropic", "bedrock", "gemini", "vertex", "vertex_claude", "azure")
PLACE = '{"city":"Bern","days":3}'
THOUGHT = "Let me think it through."
CLAUDE = {
    "tools": ClaudeSays(
        (
            {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Bern", "days": 3}},
            {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        ),
        "tool_use",
    ),
    "json_schema": ClaudeSays(({"type": "text", "text": PLACE},)),
    "reasoning": ClaudeSays(
        ({"type": "thinking", "thinking": THOUGHT, "signature": "c2ln"}, {"type": "text", "text": "42"})
    ),
}
CONVERSE = {
    "tools": ConverseSays(
        (
            {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Bern", "days": 3}}},
            {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
        ),
        "tool_use",
    ),
    "json_schema": ConverseSays(({"text": PLACE},)),
    "reasoning": ConverseSays(
        ({"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": "c2ln"}}}, {"text": "42"})
    ),
}
AZURE = {
    "tools": AzureSays("", calls=(("weather", PLACE), ("now", "{}"))),
    "json_schema": AzureSays(PLACE),
    "reasoning": AzureSays("42", THOUGHT),
}


class Stage(msgspec.Struct):
    """A gateway whose model ``m`` is the provider's; ``asked``: the bodies that the provider let in."""

    gateway: Running
    asked: Callable[[], list[Any]]


@asynccontextmanager
async def stage(dialect: str, told: str, tmp_path: Path, more: str = "", also: str = "") -> AsyncIterator[Stage]:
    """``more``: other keys of the deployment ``d``, each after a comma. ``also``: the end of the configuration."""
    async with _upstream(dialect, told, tmp_path) as (place, asked):
        text = f"deployments:\n  d: {{{place}{more}}}\n" + (also or "models: {m: {deployments: [d]}}\n")
        async with running(text) as gateway:
            yield Stage(gateway, asked)


@asynccontextmanager
async def _upstream(dialect: str, told: str, tmp_path: Path) -> AsyncIterator[tuple[str, Callable[[], list[Any]]]]:
    """The provider, as a deployment's keys, and what it was asked."""
    if dialect == "anthropic":
        claude = Anthropic(CLAUDE.get(told, ClaudeSays()))
        async with upstream(claude) as server:
            yield (
                f'provider: anthropic, model: claude-opus-4-6, base_url: "{server.url}", api_key: sk-ant-emulated',
                lambda: claude.asked,
            )
    elif dialect == "bedrock":
        converse = Bedrock(CONVERSE.get(told, ConverseSays()))
        key = Identity()
        async with upstream(converse) as server:
            yield (
                "provider: bedrock, model: us.anthropic.claude-sonnet-4-5-20250929-v1:0, region: us-east-1, "
                f'base_url: "http://127.0.0.1:{server.port}", '
                f"aws: {{access_key_id: {key.access_key}, secret_access_key: {key.secret_key}}}",
                lambda: [body for _, _, body in converse.asked],
            )
    elif dialect == "azure":
        azure = Azure(AZURE.get(told, AzureSays()))
        async with upstream(azure) as server:
            yield (
                f'provider: azure, model: dep, base_url: "http://127.0.0.1:{server.port}", api_key: azure-key',
                lambda: [body for _, body in azure.asked],
            )
    else:
        async with emulated() as (google, server):
            root = f"http://127.0.0.1:{server.port}"
            account = tmp_path / "account.json"
            account.write_bytes(msgspec.json.encode(google.tokens.service_account()))
            where = {
                "gemini": f'base_url: "{root}/v1beta", api_key: {KEY}',
                "vertex": f'base_url: "{root}/v1", region: us-central1, credentials: "file:{account}"',
            }
            if dialect == "vertex_claude":
                google.claude.plays = (CLAUDE.get(told, ClaudeSays()),)
                place = f"provider: vertex, model: claude-opus-4-6, {where['vertex']}"
                yield place, lambda: google.claude.asked
            else:
                yield f"provider: {dialect}, model: gemini-2.5-flash, {where[dialect]}", lambda: google.asked
