"""A request's head, read once: family, key, length, id, and the headers to forward. Reused while a connection repeats
it.

What is made of it here holds for every request that begins with it: whose key it shows, what goes on to the upstream.
"""

# compiled

from collections.abc import Mapping

from backends.contract.families import Family
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Caller, Key, Keys
from gateway.proxy import headers


class RequestHead:
    """``given``: the headers, by lower-case names. ``length``: of the body, as declared; -1: that is not a number.
    ``id``: the client's own for the request, where it is a valid one. ``forwarded``: the fields that go on.
    """

    __slots__ = ("_key", "_keys", "family", "forwarded", "given", "id", "length")

    def __init__(self, family: Family, given: Mapping[bytes, bytes]) -> None:
        self.family = family
        self.given = given
        self.length = headers.declared_length(given)
        self.id = headers.own_id(given)
        self.forwarded = headers.forwarded(given)
        self._keys: Keys | None = None
        self._key: Key | ErrorResponse

    def identify(self, keys: Keys, caller: Caller) -> Key | ErrorResponse:
        """Whose it is."""
        if self._keys is not keys:  # another configuration is in force
            self._keys, self._key = keys, caller.identify(keys, self.given)
        return self._key
