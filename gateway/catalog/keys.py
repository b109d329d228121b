"""Client keys: stored as digests, compared in constant time. Without keys only direct local clients are served."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from hmac import compare_digest
from ipaddress import ip_address

import msgspec

from gateway.catalog.error_response import ErrorResponse
from gateway.config.problem import suggest
from gateway.config.schema import Key as KeyConfig

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip", b"via")
_LOCAL_HOSTS = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})

_NO_KEY = ErrorResponse(401, "no API key was given: send 'Authorization: Bearer KEY'", code="invalid_api_key")
_WRONG_KEY = ErrorResponse(401, "the API key is not known here", code="invalid_api_key")
_LOOPBACK_ONLY = ErrorResponse(
    403,
    "no keys are configured (auth.keys), so only direct clients on this machine are served",
    code="keys_required",
)


class Key(msgspec.Struct, frozen=True):
    """Who asks, and for which models. ``priority``: of its requests where they wait for a place; lower goes first."""

    name: str
    models: tuple[str, ...] = ("*",)
    explain: bool = False
    priority: int = 0

    def allows(self, model: str) -> bool:
        return "*" in self.models or any(fnmatchcase(model, pattern) for pattern in self.models)


LOCAL = Key("local")


class Keys:
    """Who may ask."""

    def __init__(self, configured: Iterable[KeyConfig]) -> None:
        self._by_digest: dict[bytes, tuple[bytes, Key]] = {}
        for each in configured:
            digest = _digest(each)
            self._by_digest[digest] = (digest, Key(each.name, tuple(each.models), each.explain, each.priority))

    def named(self, name: str) -> Key:
        """
        Raises:
            LookupError: there is none.
        """
        found = next((key for _, key in self._by_digest.values() if key.name == name), None)
        if found is None:
            raise LookupError(
                f"there is no key named {name!r}{suggest(name, (k.name for _, k in self._by_digest.values()))}"
            )
        return found

    def identify(self, headers: Mapping[bytes, bytes], client: str) -> Key | ErrorResponse:
        """The key a request carries. ``headers``: lower-case names. ``client``: the peer's address."""
        if not self._by_digest:
            return LOCAL if _direct(headers, client) else _LOOPBACK_ONLY
        given = headers.get(b"authorization", b"")
        given = given[7:].strip() if _is_bearer(given) else headers.get(b"x-api-key", b"")
        if not given:
            return _NO_KEY
        digest = sha256(given).digest()
        known = self._by_digest.get(digest)  # the digest is not the key: how long this takes tells nothing of the key
        return known[1] if known is not None and compare_digest(known[0], digest) else _WRONG_KEY


class Caller:
    """The client at the other end of a connection; whose key it showed last is remembered, so that a digest is made
    once and not for every request. ``address``: the peer's."""

    __slots__ = ("_key", "_keys", "_shown", "address")

    def __init__(self, address: str) -> None:
        self.address = address
        self._keys: Keys | None = None
        self._shown = b""
        self._key = LOCAL

    def identify(self, keys: Keys, headers: Mapping[bytes, bytes]) -> Key | ErrorResponse:
        """As ``keys`` does."""
        shown = headers.get(b"authorization", b"")
        if keys is self._keys and compare_digest(shown, self._shown):
            return self._key
        key = keys.identify(headers, self.address)
        if isinstance(key, Key) and key is not LOCAL and _is_bearer(shown):
            self._keys, self._shown, self._key = keys, shown, key
        return key


def _is_bearer(authorization: bytes) -> bool:
    return authorization[:7].lower() == b"bearer "


def _digest(key: KeyConfig) -> bytes:
    if key.key is not None:
        return sha256(key.key.reveal().encode()).digest()
    assert key.key_sha256 is not None
    return bytes.fromhex(key.key_sha256)


def _direct(headers: Mapping[bytes, bytes], client: str) -> bool:
    """A client on this machine that came straight here: no proxy's traces, and no foreign Host (DNS rebinding)."""
    if not _is_loopback(client) or any(name in headers for name in _FORWARDED):
        return False
    return is_local(headers.get(b"host", b""))


def is_local(host: bytes) -> bool:
    """Whether a Host header names this machine: a page elsewhere whose name was made to point here does not."""
    name = host if host.endswith(b"]") else host.rpartition(b":")[0] or host
    return name.lower() in _LOCAL_HOSTS


def _is_loopback(client: str) -> bool:
    try:
        return ip_address(client).is_loopback
    except ValueError:
        return client == ""  # a Unix socket has no address
