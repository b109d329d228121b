"""Unique names; a secret becomes a reference to an environment variable, never a copy."""

import re
from collections.abc import Container
from typing import Any

ENVIRON = "os.environ/"


class Names:
    """``notes`` is told of secrets that stood in the file."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._secrets: dict[str, str] = {}  # what stood there -> the variable that stands for it

    def unique(self, wanted: str, taken: Container[str]) -> str:
        """A deployment's name."""
        slug = re.sub(r"[^A-Za-z0-9._-]+", "-", wanted).strip("-._") or "any"
        number = 1
        while (name := slug if number == 1 else f"{slug}-{number}") in taken:
            number += 1
        return name

    def value(self, given: Any) -> Any:
        """A setting, or the variable it is read from."""
        if isinstance(given, str) and given.startswith(ENVIRON):
            return f"${{{given.removeprefix(ENVIRON)}}}"
        return given

    def secret(self, given: Any, otherwise: str, path: str) -> str:
        """The variable a secret is read from; one that stood in the file gets the variable ``otherwise``."""
        text = str(given)
        if text.startswith(ENVIRON):
            return str(self.value(text))
        if text not in self._secrets:
            name, number = otherwise, 2
            while name in self._secrets.values():
                name, number = f"{otherwise}_{number}", number + 1
            self._secrets[text] = name
            self._notes.append(f"{path}: stood in the file itself; put it into the environment as {name}")
        return f"${{{self._secrets[text]}}}"
