"""An error for a client, in no API's words: what each client API spells in its own envelope."""

import msgspec


class ClientError(msgspec.Struct, frozen=True):
    """``type``, ``code`` and ``param`` (the request's field at fault) are OpenAI's words."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
