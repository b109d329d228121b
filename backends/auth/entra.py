"""Microsoft Entra ID tokens by OAuth client credentials."""

from backends.auth.oauth_token import Grant, form


def client_credentials(authority: str, tenant: str, client_id: str, client_secret: str, scope: str) -> Grant:
    """How an application of that tenant asks for a token."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
        "scope": scope,
    }
    return lambda now: form(f"{authority}/{tenant}/oauth2/v2.0/token", fields)
