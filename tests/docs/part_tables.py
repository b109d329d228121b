"""The tables of a policy's parts in docs/policies.md, made from the code: `python -m tests.docs.part_tables`."""

from msgspec import NODEFAULT, Struct, inspect

from gateway.config.encode import encode
from gateway.config.json_schema import description, descriptions
from policies.selection.filters import FILTERS
from policies.selection.pickers import PICKERS
from policies.selection.scorers import SCORERS, Scorer

BEGIN, END = "<!-- made by tests/docs/part_tables.py -->\n", "<!-- end -->\n"
SHARED = set(Scorer.__struct_fields__)  # of every scorer, so said once


def tables() -> str:
    """Markdown, between its marks: every filter, scorer and picker, what it does and its options."""
    sorts = (("filter", FILTERS), ("scorer", SCORERS), ("picker", PICKERS))
    return BEGIN + "\n".join(_table(sort, parts) for sort, parts in sorts) + END


def _table(sort: str, parts: tuple[type[Struct], ...]) -> str:
    rows = [f"| `{part.__struct_config__.tag}` | {_does(part)} |{_options(part)} |" for part in parts]
    return "\n".join([f"| {sort} | | options |", "|---|---|---|", *rows, ""])


def _does(part: type[Struct]) -> str:
    said = description(part)
    name, colon, rest = said.partition(": ")
    return (rest[0].upper() + rest[1:] if colon and len(name) < 30 else said).replace("``", "`")


def _options(part: type[Struct]) -> str:
    said, kind = descriptions(part), inspect.type_info(part)
    assert isinstance(kind, inspect.StructType)
    found = [f"`{each.name}`{_default(each)}: {said[each.name]}" for each in kind.fields if each.name not in SHARED]
    return "".join(f" {each}" for each in found)


def _default(field: inspect.Field) -> str:
    plain = field.default not in (NODEFAULT, None, ()) and not isinstance(field.default, Struct)
    return f" ({encode(field.type, field.default)})" if plain and not isinstance(field.default, bool) else ""


if __name__ == "__main__":
    print(tables(), end="")
