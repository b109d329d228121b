"""Google's token endpoints, emulated. Rule: a token is given for a proof that holds, and for nothing else.

The OAuth endpoint takes a service account's signed assertion (RFC 7523) or a refresh token; the metadata server, as it
stands on Google's own machines, asks for nothing but its header.
"""

import base64
import time
from typing import Any
from urllib.parse import parse_qs

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from tests.contracts.scripted import Call

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"  # wherever the endpoint is reached
METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"


class Tokens:
    """``given``: how many were given out. ``lifetime``: seconds each is good for. ``down``: answers of 503 to come."""

    def __init__(self) -> None:
        self.root = ""
        self.paths = {"/token", METADATA}
        self.given = 0
        self.lifetime = 3600
        self.down = 0
        self.valid: set[str] = set()
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def service_account(self) -> dict[str, str]:
        """A key file, as Google hands it out."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": "proj",
            "private_key_id": "key-1",
            "private_key": pem.decode(),
            "client_email": "gateway@proj.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": f"{self.root}/token",
        }

    def authorized_user(self) -> dict[str, str]:
        """A file as `gcloud auth application-default login` leaves it."""
        return {
            "type": "authorized_user",
            "client_id": "c.apps.googleusercontent.com",
            "client_secret": "user-secret",
            "refresh_token": "refresh-1",
            "token_uri": f"{self.root}/token",
        }

    def knows(self, authorization: str) -> bool:
        return authorization.removeprefix("Bearer ") in self.valid

    def answer(self, path: str, call: Call) -> tuple[int, dict[str, Any]]:
        if self.down:
            self.down -= 1
            return 503, {"error": "temporarily_unavailable"}
        if path == METADATA:
            good = call.headers.get("metadata-flavor") == "Google"
            return self._give() if good else (403, {"error": "Missing Metadata-Flavor:Google header."})
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if call.headers.get("content-type") != "application/x-www-form-urlencoded":
            return 400, {"error": "invalid_request", "error_description": "not a form"}
        problem = self._jwt(form.get("assertion", "")) if form.get("grant_type") == JWT else self._refresh(form)
        return (400, {"error": "invalid_grant", "error_description": problem}) if problem else self._give()

    def issue(self) -> str:
        """A token for somebody who has proved already who they are."""
        return str(self._give()[1]["access_token"])

    def _give(self) -> tuple[int, dict[str, Any]]:
        self.given += 1
        token = f"ya29.emulated-{self.given}"
        self.valid.add(token)
        return 200, {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def _refresh(self, form: dict[str, str]) -> str:
        user = self.authorized_user()
        wanted = {name: user[name] for name in ("client_id", "client_secret", "refresh_token")}
        good = form == {"grant_type": "refresh_token", **wanted}
        return "" if good else "Bad Request"

    def _jwt(self, assertion: str) -> str:
        """What is wrong with an assertion."""
        try:
            head, claims, signature = assertion.split(".")
            signed = f"{head}.{claims}".encode()
            self._key.public_key().verify(_decode(signature), signed, padding.PKCS1v15(), SHA256())
        except (ValueError, InvalidSignature):
            return "Invalid JWT Signature."
        header, said = msgspec.json.decode(_decode(head)), msgspec.json.decode(_decode(claims))
        account, now = self.service_account(), time.time()
        if header != {"alg": "RS256", "typ": "JWT", "kid": account["private_key_id"]}:
            return "Invalid JWT header."
        if (said["iss"], said["aud"], said["scope"]) != (account["client_email"], AUDIENCE, SCOPE):
            return "Invalid JWT claims."
        if not (said["iat"] <= now + 300 and now < said["exp"] <= said["iat"] + 3600):
            return "Invalid JWT: Token must be a short-lived token (60 minutes)."
        return ""


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
