"""What a client connection is refused for, and offers that are declined: limits, and the bytes of both."""

from collections.abc import Iterable

from backends.serving.client_apis import CHAT
from gateway.catalog.error_response import ErrorResponse

MAX_HEAD = 64 * 1024  # bytes of request line and headers
MAX_FRAMING = 1024 * 1024  # bytes of one request that are neither head nor body: chunk sizes, trailers, empty lines
HEAD_TOO_LONG = ErrorResponse(431, f"the request's headers exceed {MAX_HEAD} bytes", code="headers_too_large")
BAD_HTTP = ErrorResponse(400, "this is not a valid HTTP request", code="bad_http")
_OFFER = frozenset({b"connection", b"upgrade", b"http2-settings"})
Headers = Iterable[tuple[bytes, bytes]]


class Dropping:
    """Stands where the parser was once a connection is refused: what still comes is dropped."""

    def feed_data(self, data: bytes) -> None:
        pass


def head_size(url: bytes, headers: Headers) -> int:
    """Bytes of a request's head, without its punctuation."""
    return len(url) + sum(len(name) + len(value) for name, value in headers)


def without_offer(method: bytes, url: bytes, headers: Headers) -> bytes:
    """A request's head without its offer to switch protocols."""
    lines = b"".join(b"%b: %b\r\n" % pair for pair in headers if pair[0] not in _OFFER)
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method, url, lines)


def closing(refused: ErrorResponse) -> bytes:
    """The header lines and body of a refusal after which the connection is closed."""
    body = CHAT.error(refused)
    lines = b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    return lines % len(body) + body
