"""The admin token of a command. Rule: read from the environment, so that it stands in no shell's history."""

import os

VARIABLE = "CLOVERLEAF_ADMIN_TOKEN"


def admin_token() -> str | None:
    return os.environ.get(VARIABLE)
