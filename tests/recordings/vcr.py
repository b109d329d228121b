"""Recorded exchanges. Rule: a cassette's request and reply as the bytes they were, as far as the recorder kept them."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"
needed = pytest.mark.skipif(not FOLDER.is_dir(), reason="there are no recordings beside the checkout")


class Exchange(msgspec.Struct, frozen=True):
    """``asked``: the request's JSON; None where the recorder's own clean-up broke it."""

    file: str
    url: str
    asked: Any
    status: int
    body: bytes
    headers: dict[str, list[str]]

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def exchanges(provider: str) -> Iterator[Exchange]:
    for path in sorted((FOLDER / provider).glob("*.yaml*")) if FOLDER.is_dir() else ():
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for one in yaml.load(text, Loader=yaml.CSafeLoader)["interactions"]:
            request, reply = one["request"], one["response"]
            headers = {name.lower(): value for name, value in (reply.get("headers") or {}).items()}
            yield Exchange(path.name, request["uri"], _asked(request), reply["status"]["code"], _body(reply), headers)


def _asked(request: dict[str, Any]) -> Any:
    if "parsed_body" in request:
        return request["parsed_body"]
    try:
        return msgspec.json.decode(request.get("body") or b"null")
    except msgspec.DecodeError:
        return None


def _body(reply: dict[str, Any]) -> bytes:
    if "parsed_body" in reply:
        return msgspec.json.encode(reply["parsed_body"])
    body = reply.get("body")
    body = body.get("string") if isinstance(body, dict) else body
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def table(counts: dict[str, int]) -> str:
    """Counts by what they count, for people."""
    return "\n".join(f"  {number:4}  {what}" for what, number in sorted(counts.items()))
