"""The table of compatible providers in docs/clouds.md. `python -m tests.docs.clouds` writes it anew."""

import re
from pathlib import Path

from backends.providers import PROVIDERS
from backends.providers.provider import Provider

PAGE = Path(__file__).parents[2] / "docs" / "clouds.md"
TABLE = re.compile(r"(<!-- providers -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def table() -> str:
    """Rows of provider, address, families and differences."""
    lines = ["| provider | reached at | families | differences |", "|---|---|---|---|"]
    lines += [f"| `{p.name}` | {_where(p)} | {_words(p.families)} | {_differences(p)} |" for p in PROVIDERS if _here(p)]
    return "\n".join(lines) + "\n"


def _here(provider: Provider) -> bool:
    """Whether it speaks OpenAI's chat at an address of its own, and is on no other page."""
    addressed = provider.base_url or provider.address == "endpoints"
    return "chat" in provider.families and bool(addressed) and provider.name not in ("openai", "vllm")


def _where(provider: Provider) -> str:
    return f"`endpoints`, health at `{provider.health}`" if provider.health else f"`{provider.base_url}`"


def _words(words: frozenset[str]) -> str:
    return " ".join(sorted(words))


def _differences(provider: Provider) -> str:
    fields = provider.fields
    told = [
        f"refuses {_names(fields.rejects)}" if fields.rejects else "",
        "; ".join(f"`{old}` becomes `{new}`" for old, new in fields.renames.items()),
        f"{_names(fields.implied)} left out" if fields.implied else "",
        provider.note,
    ]
    return "; ".join(filter(None, told))


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def written(page: str) -> str:
    """The page with its table as the code has it."""
    return TABLE.sub(lambda found: found[1] + table() + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
