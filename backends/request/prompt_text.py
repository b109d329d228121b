"""The text of a client's last message, for policies that judge prompts.

The last user message; where that is short ("why?"), those before it, too. What makes no sense counts as absent.
"""

import msgspec

from backends.contract.facts import Facts, attempted

ENOUGH = 200  # characters that stand for themselves


class PromptText(msgspec.Struct, frozen=True):
    """``turns``: messages before the last."""

    text: str = ""
    turns: int = 0


class _Part(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    role: str = ""
    content: str | list[_Part] | None = None


_decode_prompt = msgspec.json.Decoder(list[msgspec.Raw] | str).decode
_decode_message = msgspec.json.Decoder(_Message | str).decode


def prompt_text(facts: Facts) -> PromptText:
    """The words of a body's prompt; none where it has none."""
    prompt = attempted(_decode_prompt, facts.prompt)
    if not isinstance(prompt, list):
        return PromptText(prompt or "")
    texts: list[str] = []
    for raw in reversed(prompt):
        text = _asked(raw)
        if text:
            texts.append(text)
            if sum(map(len, texts)) >= ENOUGH:
                break
    return PromptText("\n".join(reversed(texts)), max(0, len(prompt) - 1))


def _asked(raw: msgspec.Raw) -> str:
    """What the user says in one message; empty for others'."""
    message = attempted(_decode_message, raw)
    if message is None or isinstance(message, str):
        return message or ""
    if message.role != "user" or message.content is None:
        return ""
    content = message.content
    return content if isinstance(content, str) else "\n".join(part.text for part in content if part.text)
