"""The table of compatible providers in docs/clouds.md. `python -m tests.docs.clouds` writes it anew."""

import re
from pathlib import Path

from backends.dialects.openai.compatible import ROWS, Row

PAGE = Path(__file__).parents[2] / "docs" / "clouds.md"
TABLE = re.compile(r"(<!-- providers -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table() -> str:
    """Rows of provider, address, families and differences."""
    lines = ["| provider | reached at | families | differences |", "|---|---|---|---|"]
    lines += [
        f"| `{name}` | {_where(row)} | {_words(row.families)} | {_differences(row)} |" for name, row in ROWS.items()
    ]
    return "\n".join(lines) + "\n"


def _where(row: Row) -> str:
    return f"`endpoints`, health at `{row.health}`" if row.health else f"`{row.base_url}`"


def _words(words: frozenset[str]) -> str:
    return " ".join(sorted(words))


def _differences(row: Row) -> str:
    told = [
        f"refuses {_names(row.rejects)}" if row.rejects else "",
        "; ".join(f"`{old}` becomes `{new}`" for old, new in row.renames.items()),
        f"{_names(row.implied)} left out" if row.implied else "",
        row.note,
    ]
    return "; ".join(filter(None, told))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def written(page: str) -> str:
    """The page with its table as the code has it."""
    return TABLE.sub(lambda found: found[1] + table() + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
