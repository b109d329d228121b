"""Reply metadata that is known before the first event."""

from collections.abc import Mapping

import msgspec


class Heading(msgspec.Struct, frozen=True, gc=False):
    """``id``: 16 hex digits for providers that name none. ``model``: the deployment's, where the reply names none.
    ``created``: seconds since the epoch. ``include_usage``: in a stream. ``request``: the client's fields."""

    id: str
    model: str
    created: int
    stream: bool
    include_usage: bool = False
    request: Mapping[str, msgspec.Raw] = {}
