"""OpenAI's errors, as a client of its APIs reads them: whole, and within a stream."""

import msgspec

from backends.contract.client_error import ClientError


def error_body(error: ClientError) -> bytes:
    """The body of an answer that is an error."""
    fields = {"message": error.message, "type": error.type, "param": error.param, "code": error.code}
    return msgspec.json.encode({"error": fields})


def error_chunk(error: ClientError) -> bytes:
    """The last event of a stream of chunks that broke."""
    return b"data: " + error_body(error) + b"\n\n"


def error_event(error: ClientError) -> bytes:
    """The last event of a stream of named events that broke."""
    fields = {"type": "error", "code": error.code, "message": error.message, "param": error.param}
    return b"event: error\ndata: " + msgspec.json.encode(fields) + b"\n\n"
