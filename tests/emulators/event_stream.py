"""Amazon's event stream, written. Rule: a frame is prelude, typed headers, payload, and two CRC-32s that are right."""

import struct
import zlib
from collections.abc import Mapping

import msgspec

_STRING = 7  # the header type of a UTF-8 string


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame: lengths and their CRC, headers, payload, the CRC of it all."""
    head = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", _STRING, len(value)) + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack("!II", 16 + len(head) + len(payload), len(head))
    prelude += struct.pack("!I", zlib.crc32(prelude))
    body = prelude + head + payload
    return body + struct.pack("!I", zlib.crc32(body))


def event(kind: str, value: object) -> bytes:
    """A frame of an ordinary event; the service pads each to hide its length, and so does this."""
    payload = msgspec.json.encode({**msgspec.to_builtins(value), "p": "abcdefg"[: len(kind) % 7 + 1]})
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, payload)


def exception(kind: str, **fields: object) -> bytes:
    """A frame that ends the stream with an error inside a 200."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, msgspec.json.encode(fields))


def spoiled(data: bytes) -> bytes:
    """The same frame with one bit of its payload turned: its CRC no longer fits."""
    at = len(data) - 6
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
