"""Problems: one line each, `file:line: path: message`, never with a value that may be secret."""

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

Path = tuple[str | int, ...]


class Problem(Struct, frozen=True):
    """One thing wrong at one place; line 0 means the file as a whole could not be read."""

    file: str
    line: int
    path: Path
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        line = ": ".join(part for part in (place, dotted(self.path), self.message) if part)
        return "".join(char if char.isprintable() else "?" for char in line)


class ConfigError(Exception):
    """A configuration that cannot be used, with every problem found in it."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda problem: (problem.line, dotted(problem.path)))
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def dotted(path: Path) -> str:
    """`("auth", "keys", 0, "name")` → `auth.keys[0].name`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` when a known word is close, otherwise the known words when they are few."""
    words = list(known)
    close = get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f'; did you mean "{close[0]}"?'
    return f" (one of: {', '.join(words)})" if 0 < len(words) <= 24 else ""
