"""Content parts in Google's spelling."""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from backends.contract.conversation import (
    GOOGLE,
    Audio,
    Document,
    Image,
    Part,
    Raw,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from backends.contract.dialect import Inexpressible

#: Google's word for "this call was not yours": it lets the history of another model pass (thought signatures, FAQ).
FOREIGN = "skip_thought_signature_validator"

#: Ending -> media type. Google requires one; the standard library's table differs from machine to machine.
_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "heic": "image/heic", "heif": "image/heif", "pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown",
    "csv": "text/csv", "html": "text/html", "mp3": "audio/mpeg", "wav": "audio/wav", "mp4": "video/mp4",
    "webm": "video/webm", "mov": "video/quicktime",
}  # fmt: skip
_AUDIO = {"mp3": "audio/mp3", "wav": "audio/wav"}


def of_user(part: Part) -> dict[str, Any]:
    """A user's part.

    Raises:
        Inexpressible: a file stored at another provider.
    """
    if isinstance(part, Text):
        return {"text": part.text}
    if isinstance(part, Image):
        return _media(part.url, part.media_type, part.data, "image/jpeg")
    if isinstance(part, Document):
        if part.id:
            return _file(part.id)
        return _media(part.url, "" if part.url else part.media_type, part.data, part.media_type)
    if isinstance(part, Audio):
        return _inline(_AUDIO.get(part.format, f"audio/{part.format}"), part.data)
    raise Inexpressible(f"a {type(part).__name__} is not allowed in a user message", "messages")


def of_model(said: list[Part], *, signs: bool) -> list[dict[str, Any]]:
    """A turn of the model. Thoughts go back as their signatures only, each on the part that it was given with."""
    spoken: list[dict[str, Any]] = []
    waiting = ""  # a signature, until the text that it goes with
    for part in said:
        if isinstance(part, Thought):
            waiting = part.signature if part.origin == GOOGLE else waiting
        elif isinstance(part, Text):
            spoken.append({"text": part.text, **({"thoughtSignature": waiting} if waiting else {})})
            waiting = ""
        elif isinstance(part, ToolCall):
            spoken.append(_call(part))
        else:
            spoken.append(of_user(part))
    if waiting:
        spoken.append({"text": "", "thoughtSignature": waiting})
    calls = [part for part in spoken if "functionCall" in part]
    if signs and calls and not any("thoughtSignature" in part for part in calls):
        calls[0]["thoughtSignature"] = FOREIGN
    return spoken


def _call(call: ToolCall) -> dict[str, Any]:
    function: dict[str, Any] = {"name": call.name, "args": _object(call.arguments, call.name)}
    if call.id:
        function["id"] = call.id
    signed = {"thoughtSignature": call.signature} if call.signature and call.origin == GOOGLE else {}
    return {"functionCall": function, **signed}


def _object(arguments: str, name: str) -> Raw | dict[str, Any]:
    """Arguments as JSON; what a client's history holds need not be any."""
    try:
        value = msgspec.json.decode(arguments or "{}")
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        raise Inexpressible(f"the arguments of the call to '{name}' are not a JSON object", "messages")
    return Raw((arguments or "{}").encode())


def result(result: ToolResult) -> dict[str, Any]:
    """A tool's answer: an object unchanged, other text as ``output`` (or ``error``); other parts follow."""
    if not result.name:
        raise Inexpressible(f"the tool result '{result.id}' matches no tool call in the messages", "messages")
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    answer: dict[str, Any] = {"name": result.name, "response": _response(text, failed=result.is_error)}
    if result.id:
        answer["id"] = result.id
    if media := [of_user(part) for part in result.parts if not isinstance(part, Text)]:
        answer["parts"] = media
    return {"functionResponse": answer}


def _response(text: str, *, failed: bool) -> Raw | dict[str, Any]:
    if failed:
        return {"error": text}
    if text.lstrip().startswith("{"):
        try:
            if isinstance(msgspec.json.decode(text), dict):
                return Raw(text.encode())
        except msgspec.DecodeError:
            pass
    return {"output": text}


def _media(url: str, media_type: str, data: str, otherwise: str) -> dict[str, Any]:
    if not url:
        return _inline(media_type or otherwise, data)
    return {"fileData": {"mimeType": media_type or _type(url) or otherwise, "fileUri": url}}


def _type(url: str) -> str:
    return _TYPES.get(urlsplit(url).path.rpartition(".")[2].lower(), "")


def _inline(media_type: str, data: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _file(id: str) -> dict[str, Any]:
    """A file that Google already holds, by its URI."""
    if not id.startswith(("https://", "gs://")):
        raise Inexpressible(f"the file '{id}' is not a Google file: refer to it by its URI", "messages")
    return {"fileData": {"mimeType": _type(id) or "application/pdf", "fileUri": id}}
