"""Files that are compiled have a line `# compiled`. Rule: decision 021's five rules hold for them, in the sources."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from types import FrameType

from bench.clouds import benches, once
from tests.test_rooms import ROOT, bases, classes, file, modules

MARK = "\n# compiled\n"
UNTRUE = ("return-value", "attr-defined", "override", "misc")  # what mypy may not be silenced about
UVICORN = {"gateway.server.fast_protocol", "gateway.server.known_heads"}  # its own signatures have Any
#: What a request passes that is not compiled: it defines structs, or reads their fields and does little else, which the
#: interpreter does faster; deadlines are looked at by a timer, not by a request.
INTERPRETED = (
    "backends.contract.credentials",
    "backends.contract.facts",
    "backends.contract.peek",
    "backends.contract.usage",
    "backends.reply.quota",
    "backends.serving.capabilities",
    "gateway.catalog.catalog",
    "gateway.proxy.deadlines",
    "gateway.proxy.model_resolution",
    "gateway.proxy.token_counting",
    "gateway.reporting.",  # what samples the counters once a second
    "policies.",
)


@cache
def compiled() -> set[str]:
    return {module for module in modules() if MARK in (ROOT / file(module)).read_text()}


def nodes(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """All of that kind in what is compiled, with the module."""
    return ((each, node) for each in sorted(compiled()) for node in ast.walk(modules()[each]) if isinstance(node, kind))


def inherits(module: str, node: ast.ClassDef, name: str) -> bool:
    """From a class of that name, at whatever distance."""
    named = name in [ast.unparse(base).rpartition(".")[2] for base in node.bases]
    return named or any(inherits(*base, name) for base in bases(module, node))


def test_no_compiled_file_defines_a_struct() -> None:
    """It would lose its defaults, or be neither frozen nor hashable."""
    assert not [f"{each}: {node.name}" for each, node in nodes(ast.ClassDef) if inherits(each, node, "Struct")]


def test_a_class_is_compiled_where_its_base_is_and_only_there() -> None:
    """Of classes with code: a protocol that is inherited from has none."""
    for module in modules():
        for node in classes(module):
            for home, base in bases(module, node):
                if not inherits(home, base, "Protocol"):
                    assert (module in compiled()) == (home in compiled()), f"{module}: {node.name}({base.name})"


def test_no_slice_of_bytes_is_an_object() -> None:
    """mypyc takes what stands between the brackets of bytes for a number."""
    inside = [(name, ast.unparse(node.slice)) for name, node in nodes(ast.Subscript)]
    assert not [each for each in inside if each[1].startswith("slice(")]


def test_nothing_hides_an_untrue_annotation_from_mypy() -> None:
    """Compiled, an annotation is a check. mypy proves it where no value is `Any`, none is cast, and no error hidden."""
    casts = [name for name, node in nodes(ast.Call) if ast.unparse(node.func).rpartition(".")[2] == "cast"]
    assert not casts
    for name in sorted(compiled()):
        source = (ROOT / file(name)).read_text()
        assert not [code for code in UNTRUE if f"type: ignore[{code}" in source], name
        assert source.count("type: ignore") == source.count("type: ignore["), name
    functions = [*nodes(ast.FunctionDef), *nodes(ast.AsyncFunctionDef)]
    loose = {(name, node.name) for name, node in functions if "Any" in map(ast.unparse, annotations(node))}
    assert {name for name, _ in loose} <= UVICORN, loose


def annotations(node: ast.FunctionDef) -> list[ast.expr]:
    arguments = [*node.args.args, *node.args.kwonlyargs, *filter(None, (node.args.vararg, node.args.kwarg))]
    return [each for each in (node.returns, *(one.annotation for one in arguments)) if each is not None]


async def test_every_file_that_a_request_to_a_cloud_passes_is_compiled_or_named() -> None:
    """Seen from the interpreter: frames of a request and of a stream, once each cloud has answered one."""
    passed: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            passed.add(frame.f_code.co_filename)

    async with benches() as each:
        for cloud, bench in each.items():
            await once(cloud, bench, 2)
            sys.setprofile(note)
            await once(cloud, bench, 2)
            sys.setprofile(None)
    ours = {module for module in modules() if str(ROOT / file(module)) in passed}
    assert "gateway.proxy.journey" in ours or sys.modules["gateway.proxy.journey"].__file__.endswith(".so")
    assert not {module for module in ours - compiled() if not module.startswith(INTERPRETED)}
