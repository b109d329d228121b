"""The chat template: messages to the bytes that are counted, cached and answered."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from backends.engine.requests import JsonObject, Message
from backends.engine.text import count_tokens

IMAGE_TOKENS = 256  # what a vision model typically spends on one image, whatever its bytes


class Prompt(msgspec.Struct, frozen=True):
    """`data` is what the engine reads, `source` what the answer follows from, `said` what is already given of it."""

    data: bytes
    source: bytes
    said: bytes = b""
    echo: str = ""  # the last user's words

    @property
    def tokens(self) -> int:
        return max(count_tokens(self.data), 1)  # an empty prompt still has its begin-of-text token


def plain(data: bytes) -> Prompt:
    return Prompt(data, data, echo=data.decode(errors="replace"))


def chat(
    messages: Sequence[Message],
    tools: list[JsonObject] | None = None,
    *,
    generate: bool = True,
    continue_final: bool = False,
) -> Prompt:
    """Render a conversation. A continued final message is part of the data but not of the source."""
    turns = [_turn(message.role, _text(message)) for message in messages]
    if tools:
        turns.insert(0, _turn("system", msgspec.json.encode(tools).decode()))
    echo = next((_text(message) for message in reversed(messages) if message.role == "user"), "")
    if continue_final and messages:
        said = _text(messages[-1]).encode()
        source = ("".join(turns[:-1]) + _opening(messages[-1].role)).encode()
        return Prompt(source + said, source, said, echo)
    data = ("".join(turns) + (_opening("assistant") if generate else "")).encode()
    return Prompt(data, data, echo=echo)


def _opening(role: str) -> str:
    return f"<|im_start|>{role}\n"


def _turn(role: str, text: str) -> str:
    return f"{_opening(role)}{text}<|im_end|>\n"


def _text(message: Message) -> str:
    if message.content is None:
        return msgspec.json.encode(message.tool_calls).decode() if message.tool_calls else ""
    if isinstance(message.content, str):
        return message.content
    return "".join(_part(part) for part in message.content)


def _part(part: JsonObject) -> str:
    text = part.get("text")
    if isinstance(text, str):
        return text
    digest = blake2b(msgspec.json.encode(part), digest_size=32).hexdigest()
    return digest * (IMAGE_TOKENS * 4 // len(digest))
