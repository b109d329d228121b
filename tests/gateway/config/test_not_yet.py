"""What is still to come is checked, and then refused by name; the rest of the sample is in service."""

import re

import msgspec
from msgspec import inspect

from backends.providers.provider import Provider
from gateway.config.schema import Config
from gateway.config.source import read

PLACE = re.compile(r"c\.yaml:(\d+): (\S+): (.*)")


def without_later(sample: str) -> str:
    return "".join(line for line in sample.splitlines(True) if not line.rstrip().endswith(("# later", "# gone")))


def test_the_sample_without_the_marked_lines_is_valid(accept, sample, environ):
    config = accept(without_later(sample), environ)
    assert config.server.port == 9090
    assert config.deployments["pool"].endpoints == ["http://10.0.0.7:8000", "https://gpu.example.com"]
    assert config.deployments["cloud"].base_url == "https://api.openai.com/v1"
    assert config.models["qwen"].timeouts == msgspec.structs.replace(config.deployments["pool"].timeouts, total=700.0)
    assert config.auth.keys[0].key.reveal() == "web-canary-web"


def test_every_marked_line_is_refused_by_name_and_no_other_is(refuse, sample, environ):
    found = [PLACE.fullmatch(line).groups() for line in refuse(sample, environ)]
    marked = [n for n, line in enumerate(sample.splitlines(), 1) if line.endswith("# later")]
    assert sorted({int(line) for line, _, _ in found}) == marked
    lines = sample.splitlines()
    for line, path, message in found:
        assert message.startswith("not yet: ")
        assert re.search(rf"\b{path.split('.')[-1]}:", lines[int(line) - 1]), path


def paths(kind: inspect.Type, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Every key of the schema, with `*` for what the user names."""
    match kind:
        case inspect.StructType() if kind.cls is not Provider:  # which is written by its name
            return set().union(*({(*path, each.name)} | paths(each.type, (*path, each.name)) for each in kind.fields))
        case inspect.DictType():
            return paths(kind.value_type, (*path, "*"))
        case inspect.ListType():
            return paths(kind.item_type, (*path, "*"))
        case inspect.UnionType():
            return set().union(*(paths(each, path) for each in kind.types))
    return set()


def test_the_sample_has_every_key(sample, environ, tmp_path):
    (tmp_path / "c.yaml").write_text(sample)
    given = {
        tuple("*" if isinstance(key, int) else key for key in path) for path in read(tmp_path / "c.yaml", environ).lines
    }
    schema = paths(inspect.type_info(Config)) - {("deployments", "*", "timeouts", "total")}  # refused on a deployment
    missing = {path for path in schema if not any(fits(path, other) for other in given)}
    assert len(schema) > 130
    assert not missing


def fits(pattern: tuple[str, ...], path: tuple[str, ...]) -> bool:
    return len(pattern) == len(path) and all(a in ("*", b) for a, b in zip(pattern, path, strict=True))


def test_a_slip_inside_what_is_to_come_is_said_as_such(refuse, small):
    said = refuse(f"telemetry: {{tracs: 1%}}\npolicies: {{p: {{kind: slo_cost, slo: {{tfft: 1s}}}}}}\n{small}")
    assert 'c.yaml:1: telemetry.tracs: unknown key; did you mean "traces"?' in said
    assert 'c.yaml:2: policies.p.slo.tfft: unknown key; did you mean "ttft"?' in said


def test_what_is_off_may_be_written_out(accept, small):
    text = """
server: {workers: 1, trusted_proxies: []}
state: {url: "memory://"}
defaults: {hedge: {enabled: false}, recovery: [continue, realign], realign: deterministic}
routes: []
telemetry: {otlp: null, traces: 1%, decisions: 0, ledger: null}
"""
    assert msgspec.structs.asdict(accept(text + small)) == msgspec.structs.asdict(accept(small))
