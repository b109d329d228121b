"""The capability table of docs/providers.md, made from the code: `python -m tests.docs.capability_table`."""

from backends.capabilities import FEATURES, PROVIDERS
from backends.doors import DOORS
from gateway.providers import NATIVE

BEGIN, END = "<!-- made by tests/docs/capability_table.py -->\n", "<!-- end -->\n"


def table() -> str:
    """Markdown, between its marks: the doors each provider in service has itself, and what it can be asked for."""
    heads = ["", *DOORS, *(name.replace("_", " ") for name in FEATURES)]
    rows = [_row(heads), "|---|" + ":-:|" * (len(heads) - 1)]
    rows += [_row(_cells(provider)) for provider in sorted(PROVIDERS.keys() & NATIVE.keys())]
    return BEGIN + "\n".join(rows) + "\n" + END


def _cells(provider: str) -> list[str]:
    doors = ["itself" if door in NATIVE[provider] else "translated" for door in DOORS]
    features = ["yes" if name in PROVIDERS[provider] else "—" for name in FEATURES]
    return [f"`{provider}`", *doors, *features]


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(table(), end="")
