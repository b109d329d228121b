"""Whatever is done to a configuration, loading it gives a Config or problems with a file and a line."""

import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from random import Random

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.config import Config, ConfigError, Problem, load
from policies.vocabulary.limits import TimeoutOverrides, Timeouts

CONFIG = Path(__file__).parents[3] / "config"

VALUES = (
    None, True, 0, -1, 1.5, float("inf"), 10**30, "", "x", "a\nb", "\u2028", "5s", "20%", "*", "pool", "order", "vllm",
    "${PORT}", "${NO}", "file:/no", [], {}, [[]], [{}], {"": ""}, {"kind": "best"}, ["pool", ["pool"]],
)  # fmt: skip
NAMES = ("", "kind", "port", "models", "a b", "qwen", "é")


@pytest.fixture
def parsed_sample(sample: str) -> object:
    return yaml.safe_load(sample)


def places(data: object, path: tuple = ()) -> Iterator[tuple]:
    """Every path in the data but the root's."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutate(data: object, choice: Random) -> None:
    """Delete, rename or replace one thing somewhere."""
    path = choice.choice(list(places(data)) or [()])
    for key in path[:-1]:
        data = data[key]
    how = choice.choice(["delete", "rename", "replace"]) if path else "nothing"
    if how == "delete":
        del data[path[-1]]
    elif how == "rename" and isinstance(data, dict):
        data[choice.choice(NAMES)] = data.pop(path[-1])
    elif how != "nothing":
        data[path[-1]] = deepcopy(choice.choice(VALUES))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), changes=st.integers(1, 4))
def test_a_mutated_configuration_is_loaded_or_refused_with_a_line(parsed_sample, environ, tmp_path, seed, changes):
    data, choice = deepcopy(parsed_sample), Random(seed)
    for _ in range(changes):
        mutate(data, choice)
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert_sound(file, environ)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(raw=b"deployments: {a: &a [*a]}")
@example(raw=b"? {a: b}\n: c")
@example(raw=b"a: !!python/object/apply:os.system [x]")
@example(raw=b"a: !!int x")
@example(raw=b"a: !!float x")
@example(raw=b"a: !!bool x")
@example(raw=b"- !!map [a]")
@example(raw=b"%YAML 9.9\n---\na: b")
def test_any_bytes_are_refused_with_a_line(tmp_path, raw):
    file = tmp_path / "c.yaml"
    file.write_bytes(raw)
    assert_sound(file, {})


def assert_sound(file: Path, environ: dict[str, str]) -> None:
    try:
        assert isinstance(load(file, environ), Config)
    except ConfigError as error:
        lines = str(error).splitlines()
        assert len(lines) == len(error.problems) > 0
        assert all(re.match(rf"{re.escape(str(file))}:[1-9]\d*: .", line) for line in lines)
        assert "canary" not in str(error)


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.name)
def test_every_shipped_configuration_is_valid_and_knows_its_schema(path: Path):
    text = path.read_text()
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    named = set(re.findall(r"\$\{(\w+)\}", "\n".join(line for line in text.splitlines() if not line.startswith("#"))))
    assert isinstance(load(path, {name: f"key-of-{name}" for name in named}), Config)


def test_the_production_example_asks_for_each_key_it_needs():
    with pytest.raises(ConfigError) as caught:
        load(CONFIG / "production.yaml", {})
    assert {problem.message for problem in caught.value.problems} == {
        f"environment variable {name} is not set"
        for name in ("CLOVERLEAF_WEB_KEY", "CLOVERLEAF_BATCH_KEY", "VLLM_API_KEY", "OPENAI_API_KEY")
    }


def test_a_problem_is_one_line_whatever_the_keys_hold(refuse, small):
    said = refuse(f'"a\\nb\\u2028c": 1\n{small}')
    assert said == ["c.yaml:1: a?b?c: unknown key (one of: " + ", ".join(Config.__struct_fields__) + ")"]


def test_problems_are_sorted_by_line_then_path():
    problems = [Problem("f", 2, ("b",), "x"), Problem("f", 10, (), "y"), Problem("f", 2, ("a", 0, "c"), "z")]
    assert str(ConfigError(problems)) == "f:2: a[0].c: z\nf:2: b: x\nf:10: y"


def test_a_later_layer_of_timeouts_wins_and_what_it_leaves_out_is_inherited():
    over = Timeouts().overridden(None, TimeoutOverrides(ttft=1.0, total=9.0), TimeoutOverrides(ttft=2.0))
    assert (over.ttft, over.total, over.connect) == (2.0, 9.0, 5.0)


def test_each_providers_own_defaults_are_filled_in(accept):
    config = accept("""
deployments:
  a: {provider: vllm, model: m, endpoints: ["http://x:1"]}
  b: {provider: openai, model: m}
  c: {provider: openai, model: m, base_url: "http://x/v1/"}
  d: {provider: embedded, model: m}
models: {m: {deployments: [a, b, c, d]}}
""")
    assert [config.deployments[name].addresses for name in "abcd"] == [
        ["http://x:1"], ["https://api.openai.com/v1"], ["http://x/v1"], []
    ]  # fmt: skip
    assert (config.deployments["a"].scrape, config.deployments["d"].replicas) == (1.0, 1)
