"""Header fields of a request: an immutable value, whose lines are rendered once.

A name stands once (RFC 9110, section 5.3): of two values the later one is sent, but those of a list are joined.
"""

# compiled

#: Fields of a client's request that any upstream is sent; a vendor's own are sent where its API is spoken.
CARRIED = frozenset({b"idempotency-key", b"traceparent", b"tracestate"})
CONTENT_TYPE = frozenset({b"content-type"})
_LISTS = frozenset({b"anthropic-beta", b"openai-beta"})
_MOST = 64  # heads of clients kept for an endpoint: most clients send the same one


class Headers:
    """``fields``: lower-case names and values. ``lines``: the same, each with its CRLF. Neither is ever changed."""

    __slots__ = ("fields", "lines")

    def __init__(self, fields: dict[bytes, bytes], lines: bytes) -> None:
        self.fields = fields
        self.lines = lines

    def __or__(self, other: "Headers") -> "Headers":
        """These fields and ``other``'s, which replace those of the same name."""
        if not other.fields:
            return self
        fields = self.fields | other.fields
        if len(fields) == len(self.fields) + len(other.fields):
            return Headers(fields, self.lines + other.lines)
        for name in _LISTS:
            if name in self.fields and name in other.fields:
                fields[name] = b"%b,%b" % (self.fields[name], other.fields[name])
        return rendered(fields)

    def only(self, names: frozenset[bytes]) -> "Headers":
        """Without the fields of other names."""
        if self.fields.keys() <= names:
            return self
        return rendered({name: value for name, value in self.fields.items() if name in names})


def rendered(fields: dict[bytes, bytes]) -> Headers:
    """Headers of lower-case names."""
    return Headers(fields, b"".join(b"%b: %b\r\n" % field for field in fields.items()))


def headers(**fields: str) -> Headers:
    """Headers of names in which underscores stand for hyphens; without a value a field is left out."""
    return rendered(
        {name.replace("_", "-").encode(): value.encode("latin-1") for name, value in fields.items() if value}
    )


NO_HEADERS = rendered({})
JSON = headers(content_type="application/json")


class EndpointHeaders:
    """An endpoint's own fields with those of its clients that it takes; put together once for each kind of client."""

    __slots__ = ("_known", "_own", "_takes")

    def __init__(self, own: Headers, takes: frozenset[bytes]) -> None:
        self._own = own
        self._takes = takes
        self._known: dict[bytes, Headers] = {}  # by the client's lines

    def beside(self, client: Headers) -> Headers:
        """The endpoint's own fields and the client's, which replace them."""
        found = self._known.get(client.lines)
        return self._joined(client) if found is None else found

    def _joined(self, client: Headers) -> Headers:
        if len(self._known) >= _MOST:
            self._known.clear()
        joined = self._known[client.lines] = self._own | client.only(self._takes)
        return joined


class LastJoined:
    """Two heads put together, once for as long as both stay what they are."""

    __slots__ = ("_both", "_first", "_second")

    def __init__(self) -> None:
        self._first = self._second = self._both = NO_HEADERS

    def join(self, first: Headers, second: Headers) -> Headers:
        """``first | second``."""
        if first is not self._first or second is not self._second:
            self._first, self._second, self._both = first, second, first | second
        return self._both
