"""What mock and load agree on. Rule: every streamed chunk says its stream, its number and when it left.

A mark survives any gateway that keeps the text of an answer, so a lost, repeated, reordered or foreign chunk shows
in the text itself, and one monotonic clock per machine makes the mark a measure of the way through.
"""

import re

import msgspec

MODEL = "bench-model"
KEY = "sk-bench-0123456789abcdef"
CHAT = "/v1/chat/completions"
MARK = re.compile(rb"#(\d+)\.(\d+)\.(\d+)#")
PACE = re.compile(rb"Answer in (\d+) chunks, (\d+) ms apart")
ANSWER = "This answer is always the same, so that the work of passing it on is always the same. " * 3
FILLER = 'The tide tables of the harbour give two "highs" and two lows a day, in metres;\nread across, not down. '


def mark(stream: int, sequence: int, nanoseconds: int) -> bytes:
    return b"#%d.%d.%d#" % (stream, sequence, nanoseconds)


def chat_body(prompt_bytes: int, chunks: int = 0, interval_ms: int = 0) -> bytes:
    """A chat request whose prompt has `prompt_bytes` bytes; with chunks, a streamed one that names its pace."""
    pace = f"Answer in {chunks} chunks, {interval_ms} ms apart. " if chunks else ""
    prompt = (pace + FILLER * (prompt_bytes // len(FILLER) + 1))[: max(prompt_bytes, len(pace))]
    body: dict[str, object] = {"model": MODEL, "messages": [{"role": "user", "content": prompt}], "temperature": 0.7}
    if chunks:
        body |= {"stream": True, "max_tokens": chunks}
    return msgspec.json.encode(body)


def http_request(host: str, headers: tuple[str, ...], body: bytes) -> bytes:
    lines = [
        f"POST {CHAT} HTTP/1.1",
        f"host: {host}",
        f"authorization: Bearer {KEY}",
        "user-agent: bench",
        "accept: */*",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
