"""Hostile inputs. Rule: good ones, bent: a seeded source cuts, doubles, swaps and plants what parsers trip over."""

from itertools import pairwise
from random import Random

PLANTS = (
    b"\0", b"\r", b"\n", b"\r\n", b"\n\n", b"\r\n\r\n", b'"', b"\\", b"\\u0000", b"\\ud800", b"\\u006dodel", b"{", b"}",
    b"[", b"]", b":", b",", b"[" * 2000, b'{"a":' * 500, b"1e999", b"-0", b"NaN", b"9" * 400, b"null", b"true", b"\xff",
    b"\xf0\x9f", b"\xef\xbb\xbf", b'"model":"x",', b'"model":null,', b'"stream":true,', b'"stream":1,', b"data:",
    b"data: [DONE]\n\n", b": ping\n\n", b"event: error\n", b'"error":{"message":7},', b'"finish_reason":"stop"', b"--",
    b"%s%n", b"${HOME}", b"../..", b"0\r\n\r\n", b"transfer-encoding: chunked\r\n", b"content-length: 0\r\n",
    b"HTTP/1.1 200 OK\r\n", b"ffffffffffffffff\r\n", b"!!python/object:os.system",
    b"*a", b"&a", b"<<: *a\n", b"\t", b"- ",
)  # fmt: skip


def bent(random: Random, good: tuple[bytes, ...], most: int = 6) -> bytes:
    """One of the good inputs after one to ``most`` mishaps."""
    data = random.choice(good)
    for _ in range(random.randint(1, most)):
        data = _mishap(random, data, good)
    return data[:200_000]


def _mishap(random: Random, data: bytes, good: tuple[bytes, ...]) -> bytes:
    start, end = sorted((random.randint(0, len(data)), random.randint(0, len(data))))
    match random.randrange(8):
        case 0:
            return data[:start] + data[end:]
        case 1:
            return data[:end] + data[start:]
        case 2:
            return data[:start]
        case 3:
            return data[:start] + bytes([random.randrange(256)]) + data[start + 1 :]
        case 4:
            other = random.choice(good)
            return data[:start] + other[random.randint(0, len(other)) :]
        case 5:
            return data[:start] + random.randbytes(random.randint(1, 8)) + data[start:]
        case _:
            return data[:start] + random.choice(PLANTS) + data[start:]


def pieces(random: Random, data: bytes) -> list[bytes]:
    """The same bytes in a few packets."""
    cuts = sorted({0, len(data), *(random.randint(0, len(data)) for _ in range(random.randint(0, 4)))})
    return [data[a:b] for a, b in pairwise(cuts)]
