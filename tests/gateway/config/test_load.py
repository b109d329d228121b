"""Whatever is done to a configuration, loading it gives a Config or problems with a file and a line."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.config import Config, ConfigError, Problem, load
from gateway.config.limits import TimeoutOverrides, Timeouts

CONFIG = Path(__file__).parents[3] / "config"

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["5s", "20%", "1MiB", "*", "pool", "cloud", "qwen", "order", "vllm", "${PORT}", "${NO}", "file:/no"]
    ),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner))


def places(data: object, path: tuple = ()) -> Iterator[tuple]:
    """Every path in the data but the root's."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def mutate(data: object, path: tuple, how: str, value: object, name: str) -> None:
    for key in path[:-1]:
        data = data[key]
    if how == "delete":
        del data[path[-1]]
    elif how == "rename" and isinstance(data, dict):
        data[name] = data.pop(path[-1])
    else:
        data[path[-1]] = value


@settings(max_examples=30000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choice=st.data(), changes=st.integers(1, 3))
def test_a_mutated_configuration_is_loaded_or_refused_with_a_line(sample, environ, tmp_path, choice, changes):
    data = yaml.safe_load(sample)
    for _ in range(changes):
        path = choice.draw(st.sampled_from(list(places(data))))
        how = choice.draw(st.sampled_from(["delete", "rename", "replace"]))
        mutate(data, path, how, choice.draw(values), choice.draw(st.text(max_size=6)))
    file = tmp_path / "c.yaml"
    file.write_text(yaml.safe_dump(data), encoding="utf-8")
    assert_sound(file, environ)


@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
