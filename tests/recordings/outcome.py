"""Outcomes. Rule: what becomes of one recorded exchange: it keeps the law, or says why it is out of scope."""

from typing import Any

import msgspec
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from backends.contract.dialect import Inexpressible
from backends.contract.peek import BadBody
from backends.contract.reply_context import Heading
from backends.dialects.openai.chat.write_reply import ChatReply
from backends.serving.translated import Translation
from tests.contracts_providers import clients
from tests.contracts_providers.harness import events
from tests.facts import facts
from tests.recordings.reading import Exchange
from tests.recordings.sources import Source


def reply(source: Source, exchange: Exchange) -> str:
    """Read a recorded 2xx answer and spell it as a chat completion; empty: every law held."""
    streamed = exchange.streamed
    reader = source.dialect.reader(streamed, exchange.content_type.encode())
    heading = Heading("0" * 16, "m", 1, stream=streamed, include_usage=True)
    decoder = Translation(reader, ChatReply(heading), streamed, ())
    body = decoder.feed(exchange.reply) + decoder.close()
    if decoder.fault is not None:
        return f"fault: {decoder.fault.message}"
    if streamed:
        said = _stream_objects(exchange.reply)
        chunks = events(body)
        for chunk in chunks:
            ChatCompletionChunk.model_validate_json(msgspec.json.encode(chunk), strict=True)
        completion = clients.chat(chunks)
    else:
        said = [msgspec.json.decode(exchange.reply)]
        ChatCompletion.model_validate_json(body, strict=True)
        completion = msgspec.json.decode(body)
    counted = source.counted(said)
    usage = completion.get("usage") or {"prompt_tokens": 0, "completion_tokens": 0}
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == counted
    assert (decoder.usage.prompt, decoder.usage.completion) == counted
    return ""


def request(source: Source, exchange: Exchange) -> str:
    """Say a recorded request, which the provider accepted, in our terms and again in its own; empty: it is the same."""
    assert source.reads is not None and exchange.request is not None
    body = msgspec.json.encode(exchange.request)
    try:
        written = source.dialect.write(source.reads(facts(body)), exchange.request["model"])
    except (BadBody, Inexpressible) as problem:
        return str(problem)
    if written.dropped:
        return "dropped: " + ", ".join(written.dropped)
    wanted, got = normal(exchange.request), normal(msgspec.json.decode(written.body))
    assert got == wanted
    return ""


#: What does not change a request: hints, defaults said aloud, and what is asked of every stream.
_SILENT = {"stream", "stream_options", "store", "cache_control", "context_management", "max_completion_tokens"}
_SILENT |= {"max_tokens", "prompt_cache_key", "safety_identifier", "include", "user", "metadata"}
_SILENT_OF_TOOLS = {"type", "defer_loading"}  # the second only tells Anthropic's own tool search what to hide


def normal(body: dict[str, Any]) -> dict[str, Any]:
    """A request's meaning: one spelling for what has several."""
    body = {key: value for key, value in body.items() if key not in _SILENT and value is not None}
    if isinstance(body.get("system"), str):
        body["system"] = [{"type": "text", "text": body["system"]}]
    if body.get("temperature") == 1:
        del body["temperature"]
    if body.get("thinking") == {"type": "disabled"}:
        del body["thinking"]
    body["tools"] = [_tool(tool) for tool in body.get("tools", [])]
    messages: list[dict[str, Any]] = []
    for message in body["messages"]:
        for plain in _messages(message):
            if messages and messages[-1]["role"] == plain["role"] and plain["role"] in ("user", "assistant"):
                messages[-1]["content"] += plain["content"]
                messages[-1] |= {key: value for key, value in plain.items() if key not in ("role", "content")}
            else:
                messages.append(plain)
    body["messages"] = [message for message in messages if len(message) > 2 or message["content"]]
    return body


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    tool = {key: value for key, value in tool.items() if value not in (None, "") and key not in _SILENT_OF_TOOLS}
    if "function" in tool:
        tool["function"] = {key: value for key, value in tool["function"].items() if value not in (None, "")}
    return tool


def _messages(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    plain = [_block(block) for block in blocks if block.get("text") != ""]
    rest = {key: value for key, value in message.items() if key not in ("role", "content") and value}
    return [{"role": message["role"], "content": plain, **rest}]


def _block(block: dict[str, Any]) -> dict[str, Any]:
    block = {key: value for key, value in block.items() if value is not None and value is not False}
    if block["type"] == "tool_result":
        content = block.get("content") or []
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        block["content"] = [_block(part) for part in parts if part.get("text") != ""]
    if block.get("cache_control") == {"type": "ephemeral", "ttl": "5m"}:
        block["cache_control"] = {"type": "ephemeral"}
    if block["type"] == "image_url":
        block["image_url"] = {key: value for key, value in block["image_url"].items() if value}
    return block


def _stream_objects(data: bytes) -> list[dict[str, Any]]:
    lines = [line[5:].strip() for line in data.splitlines() if line.startswith(b"data:")]
    return [msgspec.json.decode(line) for line in lines if line != b"[DONE]"]
