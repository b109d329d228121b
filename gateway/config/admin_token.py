"""The admin token of a CLI command, read from the environment so that no shell history holds it."""

import os

VARIABLE = "CLOVERLEAF_ADMIN_TOKEN"


def admin_token() -> str | None:
    return os.environ.get(VARIABLE)
