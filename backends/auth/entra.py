"""Microsoft Entra ID tokens by OAuth client credentials."""

from backends.auth.oauth_token import Grant, form
from backends.contract.credentials import EntraApplication


def client_credentials(application: EntraApplication) -> Grant:
    """How an application of a tenant asks for a token."""
    fields = {
        "grant_type": "client_credentials",
        "client_id": application.client_id,
        "client_secret": application.client_secret,
        "scope": application.scope,
    }
    url = f"{application.authority}/{application.tenant}/oauth2/v2.0/token"
    return lambda now: form(url, fields)
