"""Anthropic, emulated. Rule: it checks key, version and body as the messages API does, and answers in its dialect.

It is a script of `tests.contracts.scripted.upstream`. The n-th request that is let in plays the n-th play, later ones
the last.
"""

from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.contracts.scripted import Call, begin, whole
from tests.emulators.anthropic_rules import VERSIONS, misuse
from tests.emulators.heads import problem

USAGE = {"input_tokens": 11, "output_tokens": 7, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0}
HELLO = {"type": "text", "text": "Hello from Claude."}
PIECE = 7  # characters of text or JSON in one delta


class Says(msgspec.Struct, frozen=True):
    """An answer of these content blocks. ``ending``, of a stream: ``whole``, ``cut``, or an error's type."""

    blocks: tuple[dict[str, Any], ...] = msgspec.field(default_factory=lambda: (HELLO,))
    stop_reason: str = "end_turn"
    stop_sequence: str | None = None
    usage: dict[str, Any] = msgspec.field(default_factory=lambda: dict(USAGE))
    ending: str = "whole"
    stop_details: dict[str, Any] | None = None


class Refuses(msgspec.Struct, frozen=True):
    """An error in place of an answer."""

    status: int
    type: str
    message: str = "scripted"
    lines: tuple[str, ...] = ()


THROTTLED = Refuses(
    429, "rate_limit_error", "This request would exceed your rate limit.", ("retry-after: 1", "x-should-retry: true")
)
OVERLOADED = Refuses(529, "overloaded_error", "Overloaded")
TOO_LONG = Refuses(400, "invalid_request_error", "prompt is too long: 209353 tokens > 199999 maximum")
TEXT = Says()
TOOLS = Says(
    (
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Zürich", "days": 3}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    ),
    "tool_use",
)
THINKS = Says(
    (
        {"type": "thinking", "thinking": "Let me think it through.", "signature": "c2lnbmF0dXJl"},
        {"type": "redacted_thinking", "data": "Y2lwaGVy"},
        {"type": "text", "text": "42"},
    ),
    usage={**USAGE, "output_tokens_details": {"thinking_tokens": 5}},
)
CACHED = Says(
    usage={
        "input_tokens": 2,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 5,
        "service_tier": "standard",
    }
)
REFUSED = Says((), "refusal", stop_details={"type": "refusal", "category": None, "explanation": "I must not."})


class Anthropic:
    """``asked``: the bodies that were let in."""

    def __init__(self, *plays: Says | Refuses, key: str = "sk-ant-emulated") -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._plays = plays or (TEXT,)
        self._key = key

    async def __call__(self, call: Call) -> None:
        refused = self._unknown(call)
        body = msgspec.json.decode(call.body)
        path = urlsplit(call.target).path
        if refused is None and (
            problem := misuse(body, call.headers["anthropic-version"], counting=path.endswith("/count_tokens"))
        ):
            refused = Refuses(400, "invalid_request_error", problem)
        if refused is not None:
            await _refuse(call, refused)
            return
        self.asked.append(body)
        self.headers.append(call.headers)
        play = self._plays[min(len(self.asked), len(self._plays)) - 1]
        if isinstance(play, Refuses):
            await _refuse(call, play)
        elif path.endswith("/count_tokens"):
            await whole(msgspec.json.encode({"input_tokens": 14}))(call)
        elif body.get("stream"):
            await _stream(call, play, body["model"])
        else:
            await whole(msgspec.json.encode(message(play, body["model"])), "request-id: req_emulated")(call)

    def _unknown(self, call: Call) -> Refuses | None:
        if urlsplit(call.target).path not in ("/v1/messages", "/v1/messages/count_tokens"):
            return Refuses(404, "not_found_error", "Not found")
        key = call.headers.get("x-api-key") or call.headers.get("authorization", "").removeprefix("Bearer ")
        if key != self._key:
            return Refuses(401, "authentication_error", "invalid x-api-key")
        if wrong := problem(call, "anthropic-"):
            return Refuses(400, "invalid_request_error", wrong)
        if call.headers.get("anthropic-version") not in VERSIONS:
            return Refuses(400, "invalid_request_error", "anthropic-version: one valid header is required")
        return None


def message(play: Says, model: str) -> dict[str, Any]:
    """The whole answer."""
    return {
        "id": "msg_emulated",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": list(play.blocks),
        "stop_reason": play.stop_reason,
        "stop_sequence": play.stop_sequence,
        "stop_details": play.stop_details,
        "usage": play.usage,
    }


def events(play: Says, model: str) -> list[bytes]:
    """The streamed answer, with the pings and the padding that real ones have."""
    usage = {**play.usage, "output_tokens": 1}
    usage.pop("output_tokens_details", None)
    opening = {**message(play, model), "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    del opening["stop_details"]
    out = [_event("message_start", message=opening), _event("ping")]
    for index, block in enumerate(play.blocks):
        empty, deltas = _deltas(block)
        out.append(_event("content_block_start", index=index, content_block=empty))
        out += [_event("content_block_delta", index=index, delta=delta) for delta in deltas]
        out.append(_event("content_block_stop", index=index))
    if play.ending == "cut":
        return out
    if play.ending != "whole":
        return [*out, _event("error", error={"type": play.ending, "message": "scripted"})]
    last = {key: value for key, value in play.usage.items() if key not in ("cache_creation", "service_tier")}
    delta = {"stop_reason": play.stop_reason, "stop_sequence": play.stop_sequence, "stop_details": play.stop_details}
    return [*out, _event("message_delta", delta=delta, usage=last), _event("message_stop")]


def _deltas(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A block as it starts, and what then comes."""
    kind = block["type"]
    if kind == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(block["text"])]
    if kind == "thinking":
        thought = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"])]
        proof = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*thought, proof]
    if kind == "tool_use":
        text = msgspec.json.encode(block["input"]).decode() if block["input"] else ""
        pieces = ["", *_pieces(text)]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    return block, []


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _event(kind: str, **fields: Any) -> bytes:
    data = msgspec.json.encode({"type": kind, **fields})
    return b"event: %b\ndata: %b%b\n\n" % (kind.encode(), data, b" " * (len(data) % 5))


async def _stream(call: Call, play: Says, model: str) -> None:
    await begin(call)
    for event in events(play, model):
        await call.chunk(event)
    if play.ending == "cut":
        call.cut()
    else:
        await call.send(b"0\r\n\r\n")


async def _refuse(call: Call, refused: Refuses) -> None:
    error = {"type": refused.type, "message": refused.message}
    body = {"type": "error", "error": error, "request_id": "req_emulated"}
    await whole(msgspec.json.encode(body), *refused.lines, status=refused.status)(call)
