"""The house rules, read off the source: directions between rooms, purity, sizes, mirrored tests, no hidden state."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("policies", "backends", "gateway")
FILES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MAX_FILE = 300
MAX_FUNCTION = 60

MAY_IMPORT = {"policies": {"policies"}, "backends": {"backends", "policies"}, "gateway": set(ROOMS)}
PURE = {
    "__future__", "abc", "array", "bisect", "collections", "dataclasses", "enum", "fnmatch", "functools", "hashlib",
    "heapq", "itertools", "math", "msgspec", "operator", "re", "statistics", "string", "struct", "typing",
}  # fmt: skip
VOCABULARY = "policies.vocabulary."
OWNERS = {  # who alone may import what
    "socket": ("backends/transports/", "backends/engine/", "gateway/server/serve.py"),
    "ssl": ("backends/transports/",),
    "botocore": ("backends/dialects/bedrock/", "backends/auth/aws_signature.py"),
    "cryptography": ("backends/auth/google_grants.py",),
    "httptools": ("backends/transports/", "backends/engine/", "gateway/server/fast_protocol.py"),
    "litestar": ("gateway/server/public.py", "gateway/server/admin/"),
    "uvicorn": (
        "gateway/server/serve.py",
        "gateway/server/fast_protocol.py",
        "gateway/server/fast_cycle.py",
        "gateway/server/known_heads.py",
    ),
    "random": ("gateway/clock.py", "gateway/simulate/generate.py", "backends/engine/"),
    "time": ("gateway/clock.py", "backends/engine/"),
    "rich": (
        "gateway/commands/status.py",
        "gateway/commands/status_view.py",
        "gateway/commands/explain.py",
        "gateway/commands/cost.py",
        "gateway/commands/ledger.py",
        "gateway/report/",
        "gateway/commands/report.py",
        "gateway/commands/simulate.py",
        "gateway/simulate/text_table.py",
    ),
    "sqlite3": ("gateway/ledger/", "gateway/commands/ledger.py"),
    "zmq": ("backends/transports/", "backends/engine/"),
    "opentelemetry": ("gateway/reporting/telemetry/", "gateway/recording/tracing.py"),
}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Every module imported, in full; relative imports are not used here."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)}: a relative import hides the direction"
            yield node.module or ""


@pytest.mark.parametrize("path", FILES, ids=name)
def test_imports_point_one_way(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        top = module.partition(".")[0]
        if top in ROOMS:
            assert top in MAY_IMPORT[room], f"{name(path)} imports {module}"
        if room == "policies" and top not in ROOMS:
            assert top in PURE, f"{name(path)} imports {module}: policies are pure"
        if room == "backends" and top == "policies":
            assert module.startswith(VOCABULARY), f"{name(path)} imports {module}: only the vocabulary"
        for owned, owners in OWNERS.items():
            if top == owned:
                assert name(path).startswith(owners), f"{name(path)} imports {module}"


@pytest.mark.parametrize("path", [p for p in FILES if p.is_relative_to(ROOT / "policies")], ids=name)
def test_policies_never_await(path: Path) -> None:
    awaits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    assert not any(isinstance(node, awaits) for node in ast.walk(tree(path)))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_module_holds_mutable_state(path: Path) -> None:
    """A list, dict or set at module level is a constant only if its name says so; `global` never."""
    for node in ast.walk(tree(path)):
        assert not isinstance(node, ast.Global), f"{name(path)}:{node.lineno}: global"
    for node in tree(path).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if isinstance(target, ast.Name) and isinstance(
            value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp
        ):
            constant = target.id.isupper() or target.id.lstrip("_").isupper() or target.id == "__all__"
            assert constant, f"{name(path)}:{node.lineno}: {target.id}"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_environment_is_read_by_the_configuration_only(path: Path) -> None:
    if name(path).startswith("gateway/config/"):
        return
    for node in ast.walk(tree(path)):
        reads = isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
        assert not reads, f"{name(path)} reads the environment"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_file_opens_with_its_rule_and_stays_one_idea(path: Path) -> None:
    source = path.read_text()
    assert ast.get_docstring(tree(path)), f"{name(path)} has no docstring"
    assert len(source.splitlines()) <= MAX_FILE, f"{name(path)} has more than {MAX_FILE} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= MAX_FUNCTION, f"{name(path)}:{node.lineno}: {node.name} has {lines} lines"


def test_every_part_of_a_policy_is_one_file_and_one_name_in_its_package() -> None:
    for package in ("filters", "scorers", "pickers"):
        folder = ROOT / "policies" / "selection" / package
        parts = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
        named = set(
            re.findall(rf"from policies\.selection\.{package}\.(\w+) import", (folder / "__init__.py").read_text())
        )
        assert named - {"base"} == parts
