"""What translation costs. Rule: the hot path's bench, once passed through and once for each dialect; limit: 3 times.

    python -m bench.translated          # microseconds of the gateway's own work per request, and times pass-through

The same request of a thousand characters and an answer of four hundred, in each provider's words; exit status 1 where a
dialect costs more than LIMIT times a request that is passed through.
"""

import gc
import struct
import sys
import tempfile
from pathlib import Path
from zlib import crc32

import msgspec
import uvloop

from backends.transports.pooled import Pooled
from bench.hot_path import HEAD, STREAM, WHOLE, Bench, answer
from bench.hot_path import chunk as chat_chunk
from bench.wire import MODEL, chat_body
from gateway.app import App
from gateway.config import load
from gateway.proxy.context import Gateway
from gateway.recording.log import Log

LIMIT = 3.0
ROUNDS = 150
REQUESTS = 20
CHUNKS = 100
TEXT = "word " * 80
CONFIG = """
auth: {keys: [{name: bench, key: bench-key}]}
telemetry: {log: warning}
deployments:
  passed: {provider: openai_compatible, model: upstream, base_url: "http://127.0.0.1:9/v1"}
  anthropic: {provider: anthropic, model: claude-opus-4-6, base_url: "http://127.0.0.2:9/v1", api_key: k}
  gemini: {provider: gemini, model: gemini-2.5-flash, base_url: "http://127.0.0.3:9/v1beta", api_key: k}
  bedrock: {provider: bedrock, model: m, base_url: "http://127.0.0.4:9", region: us-east-1,
            aws: {access_key_id: AKIA, secret_access_key: s}}
models:
  passed: {deployments: [passed]}
  anthropic: {deployments: [anthropic]}
  gemini: {deployments: [gemini]}
  bedrock: {deployments: [bedrock]}
"""
ROOTS = {
    "passed": "http://127.0.0.1:9",
    "anthropic": "http://127.0.0.2:9",
    "gemini": "http://127.0.0.3:9",
    "bedrock": "http://127.0.0.4:9",
}
#: Whole answers, as each provider says the same.
ANSWERS = {
    "anthropic": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-opus-4-6", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": TEXT}], "usage": {"input_tokens": 256, "output_tokens": 80},
    },
    "gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {"promptTokenCount": 256, "candidatesTokenCount": 80, "totalTokenCount": 336},
        "modelVersion": "gemini-2.5-flash", "responseId": "r1",
    },
    "bedrock": {
        "output": {"message": {"role": "assistant", "content": [{"text": TEXT}]}}, "stopReason": "end_turn",
        "usage": {"inputTokens": 256, "outputTokens": 80, "totalTokens": 336}, "metrics": {"latencyMs": 1},
    },
}  # fmt: skip


def reply(name: str) -> bytes:
    if name == "passed":
        return answer()
    body = msgspec.json.encode(ANSWERS[name])
    return WHOLE % (len(body), body)


def request(name: str, *, chunks: int = 0) -> bytes:
    body = chat_body(1000, chunks=chunks).replace(MODEL.encode(), name.encode())
    return HEAD % len(body) + body


def streamed(name: str) -> tuple[bytes, list[bytes], bytes]:
    """The start of a streamed answer, its chunks, and its end."""
    if name == "passed":
        chunks = [chat_chunk(b"word%d" % i) for i in range(CHUNKS)]
        return chat_chunk(b"first"), chunks, chat_chunk(b"", b'"stop"') + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n"
    start, piece, end = {"anthropic": _anthropic, "gemini": _gemini, "bedrock": _bedrock}[name]()
    return start, [piece] * CHUNKS, end + b"0\r\n\r\n"


def _anthropic() -> tuple[bytes, bytes, bytes]:
    message = ANSWERS["anthropic"] | {"content": [], "stop_reason": None}
    start = _event({"type": "message_start", "message": message})
    block = _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
    delta = _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "words"}})
    stop = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 80}}
    end = _event({"type": "content_block_stop", "index": 0}) + _event(stop) + _event({"type": "message_stop"})
    return start + block + delta, delta, end


def _event(event: dict[str, object]) -> bytes:
    return _framed(b"event: %b\ndata: %b\n\n" % (str(event["type"]).encode(), msgspec.json.encode(event)))


def _gemini() -> tuple[bytes, bytes, bytes]:
    piece = {"candidates": [{"content": {"role": "model", "parts": [{"text": "words"}]}, "index": 0}],
             "usageMetadata": {"promptTokenCount": 256, "totalTokenCount": 256},
             "modelVersion": "gemini-2.5-flash", "responseId": "r1"}  # fmt: skip
    data = _framed(b"data: %b\r\n\r\n" % msgspec.json.encode(piece))
    return data, data, _framed(b"data: %b\r\n\r\n" % msgspec.json.encode(ANSWERS["gemini"]))


def _bedrock() -> tuple[bytes, bytes, bytes]:
    delta = _frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "words"}})
    usage = {"usage": {"inputTokens": 256, "outputTokens": 80, "totalTokens": 336}, "metrics": {"latencyMs": 1}}
    end = _frame("messageStop", {"stopReason": "end_turn"}) + _frame("metadata", usage)
    return _frame("messageStart", {"role": "assistant"}) + delta, delta, end


def _frame(kind: str, payload: dict[str, object]) -> bytes:
    """One message of application/vnd.amazon.eventstream, as an HTTP chunk."""
    named = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        struct.pack(">B", len(name)) + name.encode() + struct.pack(">BH", 7, len(value)) + value.encode()
        for name, value in named.items()
    )
    body = msgspec.json.encode(payload)
    prelude = struct.pack(">II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack(">I", crc32(prelude)) + headers + body
    return _framed(message + struct.pack(">I", crc32(message)))


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Translated(Bench):
    """One upstream, and its own way of streaming."""

    def __init__(self, gateway: Gateway, pool: Pooled, name: str) -> None:
        super().__init__(gateway, pool, ROOTS[name])
        self._start, self._chunks, self._end = streamed(name)
        kind = b"application/vnd.amazon.eventstream" if name == "bedrock" else b"text/event-stream"
        self._head = STREAM.replace(b"text/event-stream; charset=utf-8", kind)
        self._asked = request(name, chunks=CHUNKS)

    async def chunk(self) -> float:
        """Seconds for each chunk of a stream."""
        return await self.stream(self._asked, self._chunks, self._head + self._start, self._end) / CHUNKS


async def measure() -> dict[str, tuple[float, float]]:
    """Seconds per request and per chunk, by dialect."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(CONFIG)
        file.flush()
        config = load(Path(file.name), {})
    app = await App.start(config, Log("off"))
    benches = {name: Translated(app.gateway, app.transport, name) for name in ROOTS}
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ROOTS}
    gc.collect()
    for _ in range(ROUNDS):
        for name, bench in benches.items():
            times[name].append((await bench.requests(REQUESTS, request(name), reply(name)), await bench.chunk()))
    await app.close()
    return {name: (min(one for one, _ in each), min(two for _, two in each)) for name, each in times.items()}


def main() -> int:
    best = uvloop.run(measure())
    passed = best["passed"]
    for name, (whole, chunk) in best.items():
        print(
            f"{name:10} {whole * 1e6:6.1f} us a request ({whole / passed[0]:.2f} x)"
            f" {chunk * 1e6:6.2f} us a chunk ({chunk / passed[1]:.2f} x)"
        )
    slow = [name for name, (whole, _) in best.items() if whole > LIMIT * passed[0]]
    if slow:
        print(f"over {LIMIT:g} times a request that is passed through: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
