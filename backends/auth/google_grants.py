"""Google's OAuth grants: what each kind of account sends for a token. No network here.

A service account signs an assertion (RFC 7523, RS256), a user shows a refresh token, and on Google's own machines the
metadata server knows who asks.
"""

import base64

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from backends.auth.google_account import METADATA_SERVER, SERVICE_ACCOUNT, TOKEN_URI, Account
from backends.auth.oauth_token import Grant, form, request
from backends.contract.adapter import Wire

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFETIME = 3600  # seconds; the most that Google takes
_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"


def grant(account: Account) -> Grant:
    """How this account asks for a token.

    Raises:
        ValueError: its private key is none.
    """
    if account.type == SERVICE_ACCOUNT:
        return _signed(account, _key(account.private_key))
    if account.type == METADATA_SERVER:
        url = f"http://{account.host}{_METADATA_PATH}"
        return lambda now: request(url, fields={"metadata-flavor": "Google"})
    fields = {
        "grant_type": "refresh_token",
        "client_id": account.client_id,
        "client_secret": account.client_secret,
        "refresh_token": account.refresh_token,
    }
    return lambda now: form(account.token_uri, fields)


def _signed(account: Account, key: RSAPrivateKey) -> Grant:
    def ask(now: float) -> Wire:
        fields = {"grant_type": _JWT, "assertion": assertion(account, key, int(now))}
        return form(account.token_uri, fields)

    return ask


def assertion(account: Account, key: RSAPrivateKey, now: int) -> str:
    """The signed claim to be ``account``. Its audience is Google's endpoint, by whatever way that is reached."""
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": account.private_key_id} if account.private_key_id else {})
    claims = {"iss": account.client_email, "scope": SCOPE, "aud": TOKEN_URI, "iat": now, "exp": now + LIFETIME}
    said = f"{_base64(msgspec.json.encode(header))}.{_base64(msgspec.json.encode(claims))}"
    return f"{said}.{_base64(key.sign(said.encode('ascii'), PKCS1v15(), SHA256()))}"


def _key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("has a private_key that is not a PEM key") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("has a private_key that is not RSA")
    return key


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
