"""Multipart forms: finds a field's byte range without parsing or copying the files around it.

It reads a form as upstreams do: what only looks like a boundary, or like a name, must not choose another model here
than the one that the upstream sees.
"""

import re

_BOUNDARY = re.compile(rb'[;\s]boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_DISPOSITION = re.compile(rb"\r\ncontent-disposition:[ \t]*form-data", re.IGNORECASE)
_PARAMETER = re.compile(rb';[ \t]*([^=;\s"]+)=(?:"((?:[^"\\\r\n]|\\.)*)"|([^\s;"]*))[ \t]*')


def fields(body: bytes, content_type: bytes, wanted: tuple[bytes, ...]) -> dict[bytes, tuple[int, int]]:
    """Name -> byte range of the value, for the wanted parts.

    Raises:
        ValueError: no boundary, a broken form, or a wanted part given twice.
    """
    delimiter = _delimiter(content_type)
    found: dict[bytes, tuple[int, int]] = {}
    at = _opened(body, delimiter)
    while not body.startswith(b"--", at):
        head_end = body.find(b"\r\n\r\n", at)
        if head_end < 0 or body.find(delimiter, at, head_end) >= 0:
            raise ValueError("the multipart body is cut short")
        after = _delimiter_end(body, delimiter, head_end + 4)
        name = _name(body, at, head_end)
        if name in wanted:
            if name in found:
                raise ValueError(f"'{name.decode()}' must be given once")
            found[name] = (head_end + 4, after - len(delimiter))
        at = after
    return found


def opening(body: bytes, content_type: bytes) -> tuple[int, tuple[bytes, bytes]]:
    """Where a further ``model`` field may be put in, and what goes before and after its value.

    Raises:
        ValueError: the form holds no field.
    """
    delimiter = _delimiter(content_type)
    at = _opened(body, delimiter)
    if body.startswith(b"--", at):
        raise ValueError("the multipart body holds no field")
    return at + 2, (b'content-disposition: form-data; name="model"\r\n\r\n', delimiter + b"\r\n")


def _opened(body: bytes, delimiter: bytes) -> int:
    """Where the first delimiter line ends: at the very start, or after a preamble."""
    first = delimiter[2:]
    return len(first) if body.startswith((first + b"\r\n", first + b"--")) else _delimiter_end(body, delimiter, 0)


def _delimiter(content_type: bytes) -> bytes:
    declared = _BOUNDARY.search(content_type)
    if declared is None:
        raise ValueError("expected a multipart/form-data body with a boundary")
    return b"\r\n--" + (declared.group(1) or declared.group(2))


def _delimiter_end(body: bytes, delimiter: bytes, at: int) -> int:
    """Where the next delimiter line ends: the boundary followed by a line end or by the closing ``--``."""
    while (at := body.find(delimiter, at)) >= 0:
        at += len(delimiter)
        if body.startswith((b"\r\n", b"--"), at):
            return at
    raise ValueError("the multipart body does not hold its boundary, or is cut short")


def _name(body: bytes, start: int, end: int) -> bytes:
    """The part's name. Parameters are read one by one: a file's name may hold text that looks like another."""
    line = _DISPOSITION.search(body, start, end)
    at = line.end() if line else end
    while parameter := _PARAMETER.match(body, at, end):
        if parameter.group(1).lower() == b"name":
            return parameter.group(2) if parameter.group(2) is not None else parameter.group(3)
        at = parameter.end()
    return b""
