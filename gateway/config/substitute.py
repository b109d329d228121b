"""Substitution: `${NAME}` by the environment, a whole `file:/path` by that file's text. No value is quoted in
errors.
"""

import re
from collections.abc import Mapping
from pathlib import Path

VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
FILE_LIMIT = 64 * 1024  # a secret, not a document


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """The text with its variables filled in; ValueError says which one cannot be."""
    if text.startswith("file:/"):
        return contents(Path(text.removeprefix("file:")))
    missing = [name for name in dict.fromkeys(VARIABLE.findall(text)) if name not in environ]
    if missing:
        noun, verb = ("variable", "is") if len(missing) == 1 else ("variables", "are")
        raise ValueError(f"environment {noun} {', '.join(missing)} {verb} not set")
    if "${" in VARIABLE.sub("", text):
        raise ValueError("${ begins a variable: write ${NAME}, with letters, digits and _ in the name")
    return VARIABLE.sub(lambda match: environ[match[1]], text)


def contents(path: Path) -> str:
    """A small file's text without the line break at its end."""
    if not path.is_file():  # also keeps a pipe or a device from blocking the start
        raise ValueError(f"{path} is not a file")
    try:
        with path.open("rb") as file:
            text = file.read(FILE_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    if len(text) > FILE_LIMIT:
        raise ValueError(f"{path} is larger than 64 KiB")
    try:
        return text.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text") from None
