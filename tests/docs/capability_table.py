"""The capability table of docs/providers.md, made from the code: `python -m tests.docs.capability_table`."""

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from backends.serving.capabilities import FEATURES
from backends.serving.client_apis import TRANSLATED

BEGIN, END = "<!-- made by tests/docs/capability_table.py -->\n", "<!-- end -->\n"


def table() -> str:
    """Markdown, between its marks: what each provider in service can be asked for, and which doors it has itself."""
    doors = sorted(TRANSLATED)
    paths = [f"`/v1/{_PATHS.get(door, door)}`" for door in doors]
    rows = [
        _row("", [*paths, *(name.replace("_", " ") for name in FEATURES)]),
        "|---|" + ":-:|" * (len(doors) + len(FEATURES)),
        *(
            _row(
                f"`{each.name}`",
                [*(_door(each, door) for door in doors), *(_mark(name in each.features) for name in FEATURES)],
            )
            for each in sorted(PROVIDERS, key=lambda each: each.name)
        ),
    ]
    return BEGIN + "\n".join(rows) + "\n" + END


_PATHS = {"chat": "chat/completions"}


def _door(provider: Provider, door: str) -> str:
    return "itself" if door in provider.families else "translated"


def _mark(has: bool) -> str:
    return "yes" if has else "—"


def _row(name: str, cells: list[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"


if __name__ == "__main__":
    print(table(), end="")
