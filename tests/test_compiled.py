"""Files that are compiled. Rule: what a compiler would get wrong in silence is found in the sources already."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
FILES: list[str] = WHEEL["hooks"]["custom"]["files"]


def nodes(name: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse((ROOT / name).read_text())))


@pytest.mark.parametrize("name", FILES)
def test_a_compiled_file_defines_no_struct(name: str) -> None:
    """It would lose its defaults, or be neither frozen nor hashable."""
    bases = [ast.unparse(base) for each in nodes(name) if isinstance(each, ast.ClassDef) for base in each.bases]
    assert not [base for base in bases if base.endswith("Struct")]


@pytest.mark.parametrize("name", FILES)
def test_no_slice_of_bytes_is_an_object(name: str) -> None:
    """mypyc takes what stands between the brackets of bytes for a number."""
    inside = [ast.unparse(each.slice) for each in nodes(name) if isinstance(each, ast.Subscript)]
    assert not [each for each in inside if each.startswith("slice(")]
