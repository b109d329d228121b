"""AWS Signature Version 4, checked. Rule: the signature is computed again from the bytes that came and the secret."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})"
)
_SKEW = timedelta(minutes=5)


class Identity(msgspec.Struct, frozen=True):
    """Whom the emulator lets in."""

    access_key: str = "AKIDEXAMPLE"
    secret_key: str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    token: str = ""
    region: str = "us-east-1"
    service: str = "bedrock"


def problem(identity: Identity, target: str, headers: Mapping[str, str], body: bytes) -> str | None:
    """What is wrong with a signed request; None: it is signed as it should be. ``target`` is the raw request target."""
    match = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if match is None:
        return "Missing Authentication Token"
    access, day, region, service, names, signature = match.groups()
    signed = names.split(";")
    if access != identity.access_key:
        return "The security token included in the request is invalid."
    if (region, service) != (identity.region, identity.service):
        return f"Credential should be scoped to {identity.region}/{identity.service}, not {region}/{service}."
    needed = {"host", "x-amz-date"} | ({"x-amz-security-token"} if identity.token else set())
    if not needed <= set(signed) or signed != sorted(signed):
        return "SignedHeaders is not whole"
    if headers.get("x-amz-security-token", "") != identity.token:
        return "The security token included in the request is invalid."
    stamp = headers["x-amz-date"]
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if stamp[:8] != day or abs(datetime.now(UTC) - at) > _SKEW:
        return "Signature expired"
    if _sign(identity, target, {name: headers[name] for name in signed}, body) != signature:
        return "The request signature we calculated does not match the signature you provided."
    return None


def _sign(identity: Identity, target: str, headers: Mapping[str, str], body: bytes) -> str:
    auth = SigV4Auth(Credentials(identity.access_key, identity.secret_key), identity.service, identity.region)
    request = AWSRequest("POST", f"http://{headers['host']}{target}", headers=dict(headers), data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    return str(auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request))
