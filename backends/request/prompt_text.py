"""The text of a client's last message, for policies that judge prompts.

The last user message; where that is short ("why?"), those before it, too. It never changes what is sent, and what it
cannot make sense of is taken for absent.
"""

import msgspec

ENOUGH = 200  # characters that stand for themselves


class Wording(msgspec.Struct, frozen=True):
    """``turns``: messages before the last."""

    text: str = ""
    turns: int = 0


_ABSENT = msgspec.Raw()


class _Body(msgspec.Struct):
    messages: msgspec.Raw = _ABSENT
    input: msgspec.Raw = _ABSENT
    prompt: msgspec.Raw = _ABSENT


class _Part(msgspec.Struct):
    text: str = ""


class _Message(msgspec.Struct):
    role: str = ""
    content: str | list[_Part] | None = None


_decode = msgspec.json.Decoder(_Body).decode
_decode_said = msgspec.json.Decoder(list[msgspec.Raw] | str).decode
_decode_message = msgspec.json.Decoder(_Message | str).decode


def wording(body: bytes) -> Wording:
    """The words of a JSON body; none where it is none."""
    try:
        fields = _decode(body)
        given = (fields.messages, fields.input, fields.prompt)
        said = _decode_said(next((each for each in given if each is not _ABSENT), b'""'))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Wording()
    if isinstance(said, str):
        return Wording(said)
    texts: list[str] = []
    for raw in reversed(said):
        text = _asked(raw)
        if text:
            texts.append(text)
            if sum(map(len, texts)) >= ENOUGH:
                break
    return Wording("\n".join(reversed(texts)), max(0, len(said) - 1))


def _asked(raw: msgspec.Raw) -> str:
    """What the user says in one message; empty for others'."""
    try:
        message = _decode_message(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return ""
    if isinstance(message, str):
        return message
    if message.role != "user" or message.content is None:
        return ""
    content = message.content
    return content if isinstance(content, str) else "\n".join(part.text for part in content if part.text)
