"""Credentials of clouds that need more than one key. Every credential is a Secret."""

from msgspec import Struct

from gateway.config.address import BaseUrl
from gateway.config.secret import Secret
from policies.vocabulary.units import Name


class Aws(Struct, frozen=True, kw_only=True):
    """An access key of AWS, for requests signed with Signature Version 4.

    access_key_id: The key's id.
    secret_access_key: The key itself.
    session_token: What goes with a temporary key.
    """

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None = None


class Entra(Struct, frozen=True, kw_only=True):
    """An application registered in Microsoft Entra ID, for tokens in place of an API key.

    tenant: Directory (tenant) id.
    client_id: Application (client) id.
    client_secret: A secret of the application.
    authority: Where tokens are given out.
    scope: What the token is for.
    """

    tenant: Name
    client_id: Name
    client_secret: Secret
    authority: BaseUrl = "https://login.microsoftonline.com"
    scope: str = "https://cognitiveservices.azure.com/.default"
