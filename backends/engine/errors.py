"""Request errors in vLLM's words and shape."""

import msgspec

TYPES = {400: "BadRequestError", 404: "NotFoundError", 405: "MethodNotAllowedError"}


class Refusal(Exception):
    def __init__(self, status: int, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param

    def body(self) -> bytes:
        """OpenAI's envelope; of a wrong key vLLM says only this."""
        if self.status == 401:
            return b'{"error":"Unauthorized"}'
        error = {
            "message": self.message,
            "type": TYPES.get(self.status, "InternalServerError"),
            "param": self.param,
            "code": self.status,
        }
        return msgspec.json.encode({"error": error})

    def anthropic_body(self) -> bytes:
        """The envelope of /v1/messages."""
        kind = "not_found_error" if self.status == 404 else "invalid_request_error"
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": self.message}})
