"""Claude on other clouds, emulated. Rule: Anthropic's body but for model and version; its answer, wrapped or not."""

import base64
from typing import Any

import msgspec

from tests.emulators.anthropic import Refuses, Says, events, message
from tests.emulators.anthropic_rules import VERSIONS, misuse
from tests.emulators.event_stream import event


class Hosted(msgspec.Struct):
    """``version``: the cloud's own name for the older version, which the body must name, or else the newer one.
    ``hosts``: the fields beside Anthropic's that this cloud takes.

    The n-th request that is let in plays the n-th play, later ones the last.
    """

    version: str
    hosts: frozenset[str] = frozenset()
    plays: tuple[Says | Refuses, ...] = (Says(),)
    asked: list[dict[str, Any]] = []

    def problem(self, body: dict[str, Any], *, counting: bool = False) -> str:
        """Why the body is refused; empty where it is not."""
        older, newer = VERSIONS
        given = body.get("anthropic_version")
        if given not in (self.version, newer):
            return "anthropic_version: Field required"
        if ("model" in body) != counting:
            return "model: Extra inputs are not permitted" if "model" in body else "model: Field required"
        known = {key: value for key, value in body.items() if key not in self.hosts | {"anthropic_version"}}
        return misuse(known, newer if given == newer else older, counting=counting)

    def play(self, body: dict[str, Any]) -> Says | Refuses:
        self.asked.append(body)
        return self.plays[min(len(self.asked), len(self.plays)) - 1]


def whole(play: Says, model: str) -> bytes:
    return msgspec.json.encode(message(play, model))


def sse(play: Says, model: str) -> list[bytes]:
    """Vertex AI streams as Anthropic does."""
    return events(play, model)


def frames(play: Says, model: str) -> list[bytes]:
    """Bedrock wraps each event in a frame, as base64."""
    found = [each.split(b"data: ", 1)[1].strip() for each in events(play, model)]
    return [event("chunk", {"bytes": base64.b64encode(data).decode()}) for data in found]


def refusal(refused: Refuses) -> bytes:
    return msgspec.json.encode({"type": "error", "error": {"type": refused.type, "message": refused.message}})
