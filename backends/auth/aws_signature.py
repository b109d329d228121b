"""AWS Signature Version 4 for our wire requests, with botocore's signer. Time and secrets are arguments.

Signed are the host, the date, the session token and the body; the path is signed percent-encoded twice, as every AWS
service but S3 wants it (a model's id comes percent-encoded once).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.credentials import Credentials

from backends.contract.adapter import Wire
from backends.contract.credentials import AwsKeys
from backends.contract.headers import Headers, rendered


class _Stamped:
    """What botocore's signer reads of a request."""

    __slots__ = ("context",)

    def __init__(self, stamp: str) -> None:
        self.context = {"timestamp": stamp}


class SigV4:
    """Credentials that sign. ``wall``: seconds since the epoch. ``service``: ``bedrock`` for the runtime."""

    def __init__(self, keys: AwsKeys, region: str, wall: Callable[[], float], service: str = "bedrock") -> None:
        self._signer = SigV4Auth(Credentials(keys.access_key, keys.secret_key), service, region)
        self._scope = f"{region}/{service}/aws4_request"
        self._keys = keys
        self._wall = wall

    def headers(self, wire: Wire) -> Headers:
        stamp = datetime.fromtimestamp(self._wall(), UTC).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": wire.headers.fields[b"host"].decode("latin-1"), "x-amz-date": stamp}
        if self._keys.token:
            signed["x-amz-security-token"] = self._keys.token
        names = ";".join(signed)
        signature = self._sign(_canonical(wire, signed, names), stamp)
        del signed["host"]
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._keys.access_key}/{stamp[:8]}/{self._scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
        return rendered({name.encode(): value.encode("latin-1") for name, value in signed.items()})

    def _sign(self, canonical: str, stamp: str) -> str:
        request = _Stamped(stamp)
        return str(self._signer.signature(self._signer.string_to_sign(request, canonical), request))


def _canonical(wire: Wire, signed: Mapping[str, str], names: str) -> str:
    """The canonical request. Targets of the runtime have no query."""
    path = quote(wire.target.decode("ascii"), safe="/~")
    headers = "".join(f"{name}:{value.strip()}\n" for name, value in signed.items())
    return f"{wire.method.decode()}\n{path}\n\n{headers}\n{names}\n{sha256(wire.body).hexdigest()}"
