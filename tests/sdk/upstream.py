"""An emulated OpenAI: accepts every field, answers every family. Usage: python -m tests.sdk.upstream PORT

Rule: it serves one model and knows one key, and the suite has heard of neither: an answer shows that the gateway put
both in their place, in JSON and in forms alike.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from tests.sdk.answers import MODEL, STREAMED, WHOLE, Json

KEY = "sk-upstream"


def asked(body: bytes, content_type: str) -> tuple[str | None, bool]:
    """The model a request names, and whether it wants a stream."""
    if content_type.startswith("multipart/form-data"):
        return field(body, "model"), field(body, "stream") == "true"
    fields = msgspec.json.decode(body, type=Json)
    return fields.get("model"), fields.get("stream") is True


def field(body: bytes, name: str) -> str | None:
    """One field of a multipart form."""
    _, found, rest = body.partition(f'name="{name}"\r\n\r\n'.encode())
    return rest.partition(b"\r\n")[0].decode() if found else None


def sse(event: Json) -> str:
    name = f"event: {event['type']}\n" if "type" in event else ""
    return f"{name}data: {msgspec.json.encode(event).decode()}\n\n"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(200, {"status": "ok"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        model, streamed = asked(body, self.headers["content-type"])
        if self.headers["authorization"] != f"Bearer {KEY}":
            self._refuse(401, "a wrong key")
        elif self.path not in WHOLE:
            self._refuse(404, f"nothing at {self.path}")
        elif model != MODEL:
            self._refuse(404, f"the model {model!r} does not exist")
        elif streamed and self.path in STREAMED:
            self._stream(STREAMED[self.path]())
        else:
            self._answer(200, WHOLE[self.path]())

    def _refuse(self, status: int, message: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
        self._answer(status, {"error": error})

    def _answer(self, status: int, content: Json) -> None:
        self._send(status, "application/json", msgspec.json.encode(content))

    def _stream(self, events: list[Json]) -> None:
        text = "".join(sse(event) for event in events)
        done = "" if "type" in events[-1] else "data: [DONE]\n\n"
        self._send(200, "text/event-stream", (text + done).encode())

    def _send(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
