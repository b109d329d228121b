"""The house rules, read off the source. Rule: a breach is named with its file; a test tells all of them at once."""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]

# A folder imports itself and what stands before it in its room; a room imports the rooms before it.
FOLDERS = {
    "policies": ("vocabulary", "learning", "load", "selection", "attempts"),
    "backends": (
        "contract", "request", "transports", "auth", "vllm", "recover", "reply", "dialects", "serving", "providers",
        "engine",
    ),
    "gateway": (
        "clock", "config", "recording", "ledger", "state", "catalog", "probing", "proxy", "reporting", "app", "server",
        "simulate", "history", "report", "litellm", "commands", "cli",
    ),
}  # fmt: skip
ROOMS = tuple(FOLDERS)
ALONE = "backends.engine"  # an engine of its own: imports nothing of the rest
VOCABULARY = "policies.vocabulary"  # all of policies that backends may import
PURE = {
    "__future__", "abc", "array", "bisect", "collections", "dataclasses", "enum", "fnmatch", "functools", "hashlib",
    "heapq", "itertools", "math", "msgspec", "operator", "re", "statistics", "string", "struct", "typing",
}  # fmt: skip
OWNERS = {  # what only these files import
    "socket": ("backends/transports/", "backends/engine/", "gateway/server/serve.py"),
    "ssl": ("backends/transports/",),
    "botocore": ("backends/dialects/bedrock/", "backends/auth/aws_signature.py"),
    "cryptography": ("backends/auth/google_grants.py",),
    "httptools": ("backends/transports/", "backends/engine/", "gateway/server/fast_protocol.py"),
    "litestar": ("gateway/server/public.py", "gateway/server/admin/"),
    "uvicorn": ("gateway/server/",),
    "random": ("gateway/clock.py", "gateway/simulate/generate.py", "backends/engine/"),
    "time": ("gateway/clock.py", "backends/engine/"),
    "rich": ("gateway/commands/", "gateway/report/", "gateway/simulate/text_table.py"),
    "sqlite3": ("gateway/ledger/", "gateway/commands/ledger.py"),
    "zmq": ("backends/transports/", "backends/engine/"),
    "opentelemetry": ("gateway/reporting/telemetry/", "gateway/recording/tracing.py"),
}
MAX_BESIDE = 10  # files of a room outside its folders
MAX_FILE = 300
MAX_FUNCTION, P99_FUNCTION = 50, 30
MAX_METHODS = 25  # with those of its bases in these rooms
CONTAINERS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
NOTHING = ast.Module([], [])
MADE = {"dict", "list", "set", "bytearray", "defaultdict", "deque", "Counter", "OrderedDict", "WeakSet"}
ITERATORS = {"count", "cycle", "iter"}

# Breaches of today. Rule: a line leaves with its breach, none comes.
EXCUSED: tuple[str, ...] = ()  # breaches that stand until they are mended


@cache
def modules() -> dict[str, ast.Module]:
    """Every module by its dotted name; a package by its own."""
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    return {dotted(path): ast.parse(path.read_text(), str(path)) for path in paths}


def dotted(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def file(module: str) -> str:
    path = ROOT / module.replace(".", "/")
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).relative_to(ROOT).as_posix()


def imports(module: str) -> Iterator[str]:
    """What it imports, in full, wherever that stands."""
    for node in ast.walk(modules()[module]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield "." * node.level + (inside if inside in modules() else node.module or "")


def place(module: str) -> tuple[int, int]:
    """Where it stands: its room, and its folder in there."""
    room, _, rest = module.partition(".")
    folder = rest.partition(".")[0]
    return ROOMS.index(room), FOLDERS[room].index(folder) if folder in FOLDERS[room] else -1


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Each group of nodes that reach one another."""
    reached: dict[str, set[str]] = {}
    for start in arrows:
        seen: set[str] = set()
        todo = [start]
        while todo:
            fresh = arrows.get(todo.pop(), set()) - seen
            seen |= fresh
            todo += fresh
        reached[start] = seen
    found = {tuple(sorted(b for b in reached[a] if a in reached.get(b, ()))) for a in arrows if a in reached[a]}
    return [list(each) for each in sorted(found)]


def none(breaches: Iterable[str]) -> None:
    """Fail with all of them, but for the excused."""
    left = sorted(each for each in set(breaches) if not each.startswith(EXCUSED))
    assert not left, "\n".join(["breaches:", *left])


def test_imports_point_one_way() -> None:
    none(breach for module in modules() for breach in wrong_imports(module))
    unlisted = {module for module in modules() if "." in module and place(module)[1] < 0}
    assert not unlisted, f"{sorted(unlisted)}: in no folder that FOLDERS lists"


def wrong_imports(module: str) -> Iterator[str]:
    room = module.partition(".")[0]
    for other in imports(module):
        top, where = other.partition(".")[0], f"{file(module)} imports {other}"
        if not top:
            yield f"{where}: a relative import hides its direction"
        if room == "policies" and top not in PURE and top not in ROOMS:
            yield f"{where}: policies are pure"
        if not file(module).startswith(OWNERS.get(top, "")):
            yield f"{where}: only {OWNERS[top]} do"
        if top not in ROOMS:
            continue
        if place(other)[0] > place(module)[0] or (top == room and place(other)[1] > place(module)[1]):
            yield f"{where}: it stands before it"
        if room == "backends" and top == "policies" and not other.startswith(VOCABULARY):
            yield f"{where}: backends import the vocabulary of policies only"
        if module.startswith(ALONE) and not other.startswith(ALONE):
            yield f"{where}: the engine stands alone"
    awaits = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    if room == "policies":
        for node in ast.walk(modules()[module]):
            if isinstance(node, awaits):
                yield f"{file(module)}:{node.lineno}: policies never await"


def test_nothing_imports_itself_by_a_detour() -> None:
    """Not between modules, also where only types are imported; nor between folders (one in another is not another)."""
    between: dict[str, set[str]] = defaultdict(set)
    folders: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        folder = Path(file(module)).parent
        for other in imports(module):
            if other in modules() and other != module:
                between[module].add(other)
                target = Path(file(other)).parent
                if not (folder.is_relative_to(target) or target.is_relative_to(folder)):
                    folders[str(folder)].add(str(target))
    none(f"a circle: {', '.join(each)}" for arrows in (between, folders) for each in circles(arrows))
    beside = {room: len([*(ROOT / room).glob("*.py")]) for room in ROOMS}
    none(f"{room}/: {count} files outside its folders" for room, count in beside.items() if count > MAX_BESIDE)


def test_no_module_holds_state_and_only_the_configuration_reads_the_environment() -> None:
    none(breach for module in modules() for breach in state(module))


def state(module: str) -> Iterator[str]:
    """A list, dict or set at module level is a constant only if its name says so; iterators and `global` never."""
    where = file(module)
    for node in modules()[module].body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or value is None:
            continue
        container = isinstance(value, CONTAINERS) and not target.id.isupper() and target.id != "__all__"
        if container or called(value) & MADE or any(called(each) & ITERATORS for each in ast.walk(value)):
            yield f"{where}: {target.id} is state"
    for inner in ast.walk(modules()[module]):
        if isinstance(inner, ast.Global):
            yield f"{where}: global {', '.join(inner.names)}"
        environment = isinstance(inner, ast.Attribute) and inner.attr in ("environ", "getenv")
        if environment and not module.startswith("gateway.config"):
            yield f"{where}: reads the environment"


def called(node: ast.AST) -> set[str]:
    """The last name of what is called, if it is a call."""
    return {ast.unparse(node.func).rpartition(".")[2]} if isinstance(node, ast.Call) else set()


def test_sizes() -> None:
    none(breach for module in modules() for breach in too_large(module))
    lengths = sorted(lines(node) for tree in modules().values() for node in ast.walk(tree) if is_function(node))
    assert lengths[len(lengths) * 99 // 100] <= P99_FUNCTION, "p99 of the functions' lines"


def too_large(module: str) -> Iterator[str]:
    tree = modules()[module]
    if not ast.get_docstring(tree):
        yield f"{file(module)}: no docstring says what it is"
    if (count := (ROOT / file(module)).read_text().count("\n")) > MAX_FILE:
        yield f"{file(module)}: {count} lines"
    for node in ast.walk(tree):
        if is_function(node) and (count := lines(node)) > MAX_FUNCTION:
            yield f"{file(module)}: {node.name} has {count} lines"
        if isinstance(node, ast.ClassDef) and (count := len(methods(module, node))) > MAX_METHODS:
            yield f"{file(module)}: {node.name} has {count} methods"


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def lines(node: ast.AST) -> int:
    return node.end_lineno - node.lineno + 1


def methods(module: str, node: ast.ClassDef) -> set[str]:
    """Its own, and those of its bases: halves of a class are one class."""
    inherited = [methods(*base) for base in bases(module, node)]
    return {each.name for each in node.body if is_function(each)}.union(*inherited)


def bases(module: str, node: ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes of these rooms that it inherits from, and the module of each."""
    origin = {
        alias.asname or alias.name: (inner.module, alias.name)
        for inner in ast.walk(modules()[module])
        if isinstance(inner, ast.ImportFrom)
        for alias in inner.names
    }
    for base in node.bases:
        name = ast.unparse(base).partition("[")[0]
        where, name = origin.get(name, (module, name))
        yield from ((where, each) for each in classes(where) if each.name == name)


def classes(module: str) -> list[ast.ClassDef]:
    return [node for node in ast.walk(modules().get(module, NOTHING)) if isinstance(node, ast.ClassDef)]


def test_tests_stand_where_their_module_stands() -> None:
    """`tests/<room>/**/test_x.py` tests the module or the folder `<room>/**/x`; what tests more stands elsewhere."""
    paths = [path for room in ROOMS for path in (ROOT / "tests" / room).rglob("test_*.py")]
    none(f"{dotted(path)}: there is no {subject(path)}" for path in paths if subject(path) not in modules())


def subject(path: Path) -> str:
    return dotted(path.with_name(path.name.removeprefix("test_"))).removeprefix("tests.")
