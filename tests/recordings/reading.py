"""Reading recordings. Rule: every exchange on file as the bytes it was; nothing of them is kept in the project."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Exchange(msgspec.Struct, frozen=True):
    """One recorded call. ``request`` is None where its body was no JSON object."""

    name: str
    uri: str
    status: int
    content_type: str
    request: dict[str, Any] | None
    reply: bytes

    @property
    def streamed(self) -> bool:
        return self.content_type.startswith("text/event-stream")


@cache
def exchanges(folder: str, uri: str) -> tuple[Exchange, ...]:
    """What was recorded under a folder, of calls whose address matches ``uri``."""
    found = (each for path in sorted((FOLDER / folder).glob("*.yaml")) for each in _read(path))
    return tuple(each for each in found if re.search(uri, each.uri))


def _read(path: Path) -> Iterator[Exchange]:
    with path.open() as file:
        tape = yaml.load(file, Loader)
    for number, call in enumerate(tape["interactions"]):
        asked, answered = call["request"], call["response"]
        headers = {name.lower(): value for name, value in answered["headers"].items()}
        kind = headers.get("content-type", "")
        yield Exchange(
            f"{path.stem}:{number}",
            asked["uri"],
            answered["status"]["code"],
            kind[0] if isinstance(kind, list) else kind,
            _object(asked),
            _bytes(answered),
        )


def _object(asked: dict[str, Any]) -> dict[str, Any] | None:
    body = asked.get("parsed_body", asked.get("body"))
    if isinstance(body, str | bytes):
        try:
            body = msgspec.json.decode(body)
        except msgspec.DecodeError:
            return None
    return body if isinstance(body, dict) else None


def _bytes(answered: dict[str, Any]) -> bytes:
    if "parsed_body" in answered:
        return msgspec.json.encode(answered["parsed_body"])
    body = answered["body"]
    text = body.get("string", b"") if isinstance(body, dict) else body
    return text.encode() if isinstance(text, str) else bytes(text or b"")
