"""Multipart forms. Rule: find a field's bytes; the files around it are neither parsed nor copied."""

import re

_BOUNDARY = re.compile(rb'boundary=(?:"([^"\r\n]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*[;\s]name=(?:"([^"\r\n]*)"|([^\s;"]+))', re.IGNORECASE)


def fields(body: bytes, content_type: bytes, wanted: tuple[bytes, ...]) -> dict[bytes, tuple[int, int]]:
    """Name -> byte range of the value, for the wanted parts.

    Raises:
        ValueError: no boundary, a broken form, or a wanted part given twice.
    """
    declared = _BOUNDARY.search(content_type)
    if declared is None:
        raise ValueError("expected a multipart/form-data body with a boundary")
    delimiter = b"--" + (declared.group(1) or declared.group(2))
    found: dict[bytes, tuple[int, int]] = {}
    at = body.find(delimiter)
    while at >= 0 and not body.startswith(b"--", at + len(delimiter)):
        at += len(delimiter)
        head_end = body.find(b"\r\n\r\n", at)
        after = body.find(b"\r\n" + delimiter, at)
        if head_end < 0 or after < 0 or head_end > after:
            raise ValueError("the multipart body is cut short")
        name = _NAME.search(body, at, head_end)
        key = (name.group(1) or name.group(2)) if name else None
        if key in wanted:
            if key in found:
                raise ValueError(f"'{key.decode()}' must be given once")
            found[key] = (head_end + 4, after)
        at = after + 2
    if at < 0:
        raise ValueError("the multipart body does not hold its boundary")
    return found
