"""The YAML source as plain data, with the line of every path in it.

Scalars are read as YAML 1.2 does: only `true` and `false` are booleans, so `on`, `no` and `12:30` stay text.
"""

import re
from collections.abc import Mapping
from pathlib import Path as FilePath

import yaml
from msgspec import Struct

from gateway.config.problem import ConfigError, Path, Problem
from gateway.config.substitute import substitute

SIZE_LIMIT = 4 * 2**20
NODE_LIMIT = 200_000  # aliases of aliases grow without bound; no real configuration comes near
DEPTH_LIMIT = 32

TAG = "tag:yaml.org,2002:"
NULL, BOOL, INT, FLOAT, TEXT, MERGE = (TAG + name for name in ("null", "bool", "int", "float", "str", "merge"))


class Loader(yaml.SafeLoader):
    """PyYAML's reader with the scalars of YAML 1.2."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.yaml_implicit_resolvers = {
            None: [
                (NULL, re.compile(r"(~|null|Null|NULL|)\Z")),
                (BOOL, re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")),
                (INT, re.compile(r"[-+]?[0-9]{1,18}\Z")),
                (FLOAT, re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")),
                (MERGE, re.compile(r"<<\Z")),
            ]
        }


class Source(Struct, frozen=True):
    """A file's data; `lines` has every path in it, `originals` the text of the scalars that were substituted."""

    file: str
    data: dict[str, object]
    lines: dict[Path, int]
    originals: dict[Path, str]
    problems: list[Problem]

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a path, or on the line of the nearest thing around it that the file does have."""
        nearest = path
        while nearest not in self.lines:
            nearest = nearest[:-1]
        return Problem(self.file, self.lines[nearest], path, message)

    def show(self, path: Path, value: str) -> str:
        """A value fit for a message: as the file has it, since what was substituted may be secret."""
        return f'"{self.originals.get(path, value)}"'


def read(path: FilePath, environ: Mapping[str, str]) -> Source:
    """The file's data. ConfigError when it is no YAML at all; smaller problems are in the Source."""
    file = str(path)
    root = parse(file, text_of(path))
    if root is None:
        raise ConfigError([Problem(file, 1, (), "the file is empty: it needs deployments and models")])
    builder = Builder(file, environ)
    try:
        data = builder.build(root, ())
    except RecursionError:
        raise ConfigError([Problem(file, 1, (), "nested too deeply")]) from None
    if not isinstance(data, dict):
        raise ConfigError([Problem(file, builder.lines[()], (), "expected settings as `key: value`")])
    return Source(file, data, builder.lines, builder.originals, builder.problems)


def text_of(path: FilePath) -> str:
    """The file as text, or one clear problem."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ConfigError([Problem(file, 0, (), error.strerror or "cannot be read")]) from error
    except ValueError:
        raise ConfigError([Problem(file.replace("\0", "?"), 0, (), "not a file name")]) from None
    if len(raw) > SIZE_LIMIT:
        raise ConfigError([Problem(file, 0, (), "larger than 4 MiB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([Problem(file, line, (), "not UTF-8 text")]) from None


def parse(file: str, text: str) -> yaml.Node | None:
    """The document's node. Only the first syntax error can be known."""
    try:
        return yaml.compose(text, Loader)
    except yaml.reader.ReaderError as error:
        line, what = text.count("\n", 0, error.position) + 1, "a control character, which YAML does not allow"
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, what = (mark.line + 1 if mark else 1), " ".join(filter(None, (error.context, error.problem)))
    except RecursionError:
        line, what = 1, "nested too deeply"
    raise ConfigError([Problem(file, line, (), f"not valid YAML: {what}")])


class Builder:
    """Turns nodes into data, noting lines and problems on the way."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.lines: dict[Path, int] = {}
        self.originals: dict[Path, str] = {}
        self.problems: list[Problem] = []
        self.nodes = 0

    def build(self, node: yaml.Node, path: Path) -> object:
        self.count(node, path)
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.ScalarNode):
            return self.scalar(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, index)) for index, child in enumerate(node.value)]
        assert isinstance(node, yaml.MappingNode)
        data: dict[str, object] = {}
        for key, child in self.pairs(node, path).values():
            here = (*path, key.value)
            self.lines[here] = key.start_mark.line + 1
            data[key.value] = self.build(child, here)
        return data

    def pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, tuple[yaml.ScalarNode, yaml.Node]]:
        """A mapping's own entries, then those merged in by `<<` that it does not have itself."""
        self.count(node, path)
        own: dict[str, tuple[yaml.ScalarNode, yaml.Node]] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(key, path, "a key must be plain text")
            elif key.tag == MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            elif key.value in own:
                first = own[key.value][0].start_mark.line + 1
                self.refuse(key, (*path, key.value), f"given twice; the first is on line {first}")
            else:
                own[key.value] = (key, value)
        for other in merged:
            if isinstance(other, yaml.MappingNode):
                own = self.pairs(other, path) | own
            else:
                self.refuse(other, path, "<< merges mappings only")
        return own

    def scalar(self, node: yaml.ScalarNode, path: Path) -> object:
        if node.tag in (TEXT, MERGE):
            return self.text(node, path)
        if node.tag == NULL:
            return None
        if node.tag == BOOL and node.value.lower() in ("true", "false"):
            return node.value.lower() == "true"
        try:
            if node.tag in (INT, FLOAT):
                return int(node.value) if node.tag == INT else float(node.value)
        except ValueError:  # an explicit tag on what is no number
            pass
        self.refuse(node, path, f"the tag {node.tag.replace(TAG, '!!')} is not supported here")
        return None

    def text(self, node: yaml.ScalarNode, path: Path) -> str | None:
        try:
            text = substitute(node.value, self.environ)
        except ValueError as error:
            self.refuse(node, path, str(error))
            return None
        if text != node.value:
            self.originals[path] = node.value
        return text

    def count(self, node: yaml.Node, path: Path) -> None:
        self.nodes += 1
        if self.nodes > NODE_LIMIT or len(path) > DEPTH_LIMIT:
            raise ConfigError([Problem(self.file, node.start_mark.line + 1, (), "too large or too deep once expanded")])

    def refuse(self, node: yaml.Node, path: Path, message: str) -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, path, message))
