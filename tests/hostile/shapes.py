"""Shapes that two servers may read differently. Rule: each is the whole bytes of one request, hidden ones included."""

import msgspec

BODY = b'{"model":"m","messages":[]}'
SMUGGLED = b'POST /v1/chat/completions HTTP/1.1\r\nhost: h\r\ncontent-length: 30\r\n\r\n{"model":"smuggled","a":12345}'
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"


class Shape(msgspec.Struct, frozen=True):
    """``read``: it is unambiguous, and so must be served; else it must be refused and the connection closed.
    ``closes``: after it was served."""

    data: bytes
    read: bool = False
    closes: bool = False


def shape(*lines: bytes, body: bytes = BODY, read: bool = False, first: bytes = LINE) -> Shape:
    return Shape(first + b"host: 127.0.0.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body, read)


LENGTH = b"content-length: %d" % len(BODY)
TE = b"transfer-encoding: chunked"
SHAPES = {
    # Two framings
    "cl-te": shape(LENGTH, TE, body=CHUNKED + SMUGGLED),
    "te-cl": shape(TE, LENGTH, body=CHUNKED + SMUGGLED),
    "cl0-te": shape(b"content-length: 0", TE, body=CHUNKED + SMUGGLED),
    "two-lengths": shape(LENGTH, b"content-length: 0", body=BODY + SMUGGLED),
    "the-same-length-twice": shape(LENGTH, LENGTH),
    "lengths-in-a-list": shape(LENGTH + b", 0", body=BODY + SMUGGLED),
    "two-codings": shape(b"transfer-encoding: chunked, identity", body=CHUNKED + SMUGGLED),
    "chunked-twice": shape(TE, TE, body=CHUNKED + SMUGGLED),
    "chunked-not-last": shape(b"transfer-encoding: chunked, gzip", body=CHUNKED + SMUGGLED),
    "identity": shape(b"transfer-encoding: identity", LENGTH, body=BODY + SMUGGLED),
    "xchunked": shape(b"transfer-encoding: xchunked", body=CHUNKED + SMUGGLED),
    "chunked-in-quotes": shape(b'transfer-encoding: "chunked"', body=CHUNKED + SMUGGLED),
    "te-on-http-1.0": Shape(
        shape(TE, body=CHUNKED + SMUGGLED, first=LINE.replace(b"1.1", b"1.0")).data, read=True, closes=True
    ),
    # Lengths
    "length-plus": shape(b"content-length: +%d" % len(BODY), body=BODY + SMUGGLED),
    "length-minus": shape(b"content-length: -1", body=BODY + SMUGGLED),
    "length-hex": shape(b"content-length: 0x1b", body=BODY + SMUGGLED),
    "length-underscore": shape(b"content-length: 2_7", body=BODY + SMUGGLED),
    "length-fraction": shape(b"content-length: 27.0", body=BODY + SMUGGLED),
    "length-empty": shape(b"content-length: ", body=BODY + SMUGGLED),
    "length-huge": shape(b"content-length: 99999999999999999999999", body=BODY + SMUGGLED),
    "length-64-bit-wrap": shape(b"content-length: 18446744073709551643", body=BODY + SMUGGLED),
    "length-in-other-digits": shape("content-length: \u0662\u0667".encode(), body=BODY + SMUGGLED),
    # Header lines
    "space-before-colon": shape(b"content-length : %d" % len(BODY), body=BODY + SMUGGLED),
    "te-space-before-colon": shape(b"transfer-encoding : chunked", body=CHUNKED + SMUGGLED),
    "folded-te": shape(b"transfer-encoding:\r\n chunked", LENGTH, body=CHUNKED + SMUGGLED),
    "folded-length": shape(b"content-length:\r\n 0", body=BODY + SMUGGLED),
    "a-line-that-starts-with-space": shape(b" content-length: 0", LENGTH, body=BODY + SMUGGLED),
    "no-colon": shape(b"content-length", LENGTH),
    "empty-name": shape(b": x", LENGTH),
    "nul-in-value": shape(b"x-a: a\0b", LENGTH),
    "nul-in-name": shape(b"x-\0a: b", LENGTH),
    "cr-in-value": shape(b"x-a: a\rcontent-length: 0", LENGTH, body=BODY + SMUGGLED),
    "bare-lf-lines": Shape(shape(LENGTH).data.replace(b"\r\n", b"\n")),
    "bare-lf-line": shape(b"x-a: a\nx-b: b", LENGTH),
    "vertical-tab-before-te": shape(b"\x0btransfer-encoding: chunked", LENGTH, body=CHUNKED + SMUGGLED),
    "te-vertical-tab": shape(b"transfer-encoding: \x0bchunked", body=CHUNKED + SMUGGLED),
    "high-bytes-in-name": shape(b"x-\xff: a", LENGTH),
    # Chunks
    "chunk-size-plus": shape(TE, body=b"+1b\r\n%b\r\n0\r\n\r\n" % BODY),
    "chunk-size-0x": shape(TE, body=b"0x1b\r\n%b\r\n0\r\n\r\n" % BODY),
    "chunk-size-minus": shape(TE, body=b"-1\r\n%b\r\n0\r\n\r\n" % BODY),
    "chunk-size-empty": shape(TE, body=b"\r\n%b\r\n0\r\n\r\n" % BODY),
    "chunk-size-wraps": shape(TE, body=b"1000000000000001b\r\n%b\r\n0\r\n\r\n" % BODY),
    "chunk-bare-lf": shape(TE, body=b"1b\n%b\r\n0\r\n\r\n" % BODY),
    "length-in-a-trailer": shape(TE, body=b"1b\r\n%b\r\n0\r\ncontent-length: 5\r\n\r\n" % BODY + SMUGGLED),
    "te-in-a-trailer": shape(TE, body=b"1b\r\n%b\r\n0\r\ntransfer-encoding: chunked\r\n\r\n" % BODY + SMUGGLED),
    "chunk-too-long": shape(TE, body=b"5\r\n%b\r\n0\r\n\r\n" % BODY),
    # Request lines
    "no-version": shape(LENGTH, first=b"POST /v1/chat/completions\r\n"),
    "version-9": shape(LENGTH, first=LINE.replace(b"1.1", b"9.9")),
    "version-odd": shape(LENGTH, first=LINE.replace(b"HTTP/1.1", b"HTTP/1,1")),
    "two-spaces": shape(LENGTH, first=LINE.replace(b"POST ", b"POST /x ")),
    "space-in-path": shape(LENGTH, first=b"POST /v1/chat completions HTTP/1.1\r\n"),
    "unknown-method": shape(LENGTH, first=LINE.replace(b"POST", b"BREW")),
    "lower-case-method": shape(LENGTH, first=LINE.replace(b"POST", b"post")),
    "http-2-preface": Shape(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    # Odd, but every server reads them alike
    "chunk-extension": shape(TE, body=b"1b;a=b\r\n%b\r\n0\r\n\r\n" % BODY, read=True),
    "chunk-zeros": shape(TE, body=b"0001b\r\n%b\r\n000\r\n\r\n" % BODY, read=True),
    "chunk-upper-case": shape(TE, body=b"1B\r\n%b\r\n0\r\n\r\n" % BODY, read=True),
    "trailers": shape(TE, body=b"1b\r\n%b\r\n0\r\nx-request-id: b\r\nx-a: b\r\n\r\n" % BODY, read=True),
    "te-case": shape(b"Transfer-Encoding: Chunked", body=CHUNKED, read=True),
    "no-space-after-colon": shape(b"content-length:%d" % len(BODY), read=True),
    "tab-after-colon": shape(b"content-length:\t%d\t" % len(BODY), read=True),
    "length-zeros": shape(b"content-length: 00%d" % len(BODY), read=True),
    "empty-lines-first": Shape(b"\r\n\r\n" + shape(LENGTH).data, read=True),
    "absolute-form": shape(LENGTH, first=LINE.replace(b"/v1", b"http://other.example/v1"), read=True),
    "query": shape(LENGTH, first=LINE.replace(b" HTTP", b"?a=b HTTP"), read=True),
}
