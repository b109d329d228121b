"""Microsoft's token endpoint, emulated. Rule: the client-credentials grant, and a new token each time it is asked."""

from urllib.parse import parse_qs

import msgspec

from tests.contracts.scripted import Call, whole


class Entra:
    """A script for ``tests.contracts.scripted.upstream``. ``issued``: the tokens given out."""

    def __init__(self, tenant: str = "t-1", client: str = "c-1", secret: str = "s-1", lifetime: int = 3599) -> None:
        self.issued: list[str] = []
        self.scopes: list[str] = []
        self._path = f"/{tenant}/oauth2/v2.0/token"
        self._client = client
        self._secret = secret
        self._lifetime = lifetime

    async def __call__(self, call: Call) -> None:
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        if call.target != self._path:
            await _refuse(call, 400, "invalid_request", "AADSTS90002: Tenant not found.")
        elif form.get("grant_type") != "client_credentials" or "scope" not in form:
            await _refuse(call, 400, "invalid_request", "AADSTS900144: a required parameter is missing.")
        elif (form.get("client_id"), form.get("client_secret")) != (self._client, self._secret):
            await _refuse(call, 401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        else:
            self.scopes.append(form["scope"])
            self.issued.append(f"entra-{len(self.issued) + 1}")
            answer = {"token_type": "Bearer", "expires_in": self._lifetime, "access_token": self.issued[-1]}
            await whole(msgspec.json.encode(answer))(call)


async def _refuse(call: Call, status: int, error: str, description: str) -> None:
    await whole(msgspec.json.encode({"error": error, "error_description": description}), status=status)(call)
