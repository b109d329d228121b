"""A Google account file: a service account's key, or a user's application-default login.

The shapes are those that Google's own tools write: `gcloud iam service-accounts keys create` and
`gcloud auth application-default login`. On Google's own machines the metadata server takes the file's place.
"""

import msgspec

SERVICE_ACCOUNT, USER, METADATA_SERVER = "service_account", "authorized_user", "metadata_server"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address
METADATA_HOST = "metadata.google.internal"

_NEEDED = {
    SERVICE_ACCOUNT: ("client_email", "private_key"),
    USER: ("client_id", "client_secret", "refresh_token"),
    METADATA_SERVER: (),
}


class Account(msgspec.Struct, frozen=True):
    """``type``: service_account, authorized_user, or metadata_server (then ``host`` says where it is)."""

    type: str
    project_id: str = ""
    quota_project_id: str = ""
    client_email: str = ""
    private_key: str = ""
    private_key_id: str = ""
    client_id: str = ""
    client_secret: str = ""
    refresh_token: str = ""
    token_uri: str = TOKEN_URI
    host: str = METADATA_HOST


def read_account(text: str) -> Account:
    """The account of a credentials file.

    Raises:
        ValueError: not one that can be used here; the message holds nothing of the file.
    """
    try:
        account = msgspec.json.decode(text, type=Account)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("is not a Google credentials file (JSON with a type)") from None
    if account.type not in _NEEDED:
        raise ValueError(f"is of type {account.type[:40]!r}, which is not served: use {SERVICE_ACCOUNT} or {USER}")
    missing = [name for name in _NEEDED[account.type] if not getattr(account, name)]
    if missing:
        raise ValueError(f"is a Google {account.type} without {', '.join(missing)}")
    if not account.token_uri.startswith(("https://", "http://")):
        raise ValueError("has a token_uri that is not an http(s) URL")
    return account
