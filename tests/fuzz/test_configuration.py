"""The configuration, bent: it loads, or every problem is a line for people, with where and what."""

import re
from pathlib import Path

from gateway.config import ConfigError, load
from tests.fuzz.conftest import Rounds
from tests.fuzz.inputs import bent

SAMPLES = (
    b"""
deployments: {d: {provider: openai_compatible, model: m, base_url: "http://h/v1", price: {input: 1, output: 2}}}
models: {m: {deployments: [d], timeouts: {ttft: 2.5s}, aliases: [n]}}
""",
    b"""
server: {max_body: 32MiB, cors: []}
auth:
  keys:
    - {name: a, key: "${KEY}", models: ["*"]}
deployments:
  v: {provider: vllm, model: m, endpoints: [http://a:1, http://b:2]}
models:
  m: {deployments: [v]}
""",
    b"""
defaults:
  retry: {attempts: 2, base: 250ms, budget: 20%}
  breaker: {failures: 5, error_rate: 50%}
deployments: {e: {provider: embedded, model: m}}
models: {m: {deployments: [[e]], policy: least_busy}}
""",
)
LINE = re.compile(r".+: .+")


def test_bent_configurations(rounds: Rounds, tmp_path: Path) -> None:
    path = tmp_path / "bent.yaml"
    loaded = 0
    for random in rounds(1_000):
        path.write_bytes(bent(random, SAMPLES))
        try:
            load(path, {"KEY": "sk-x"})
            loaded += 1
        except ConfigError as error:
            assert error.problems
            for problem in error.problems:
                assert LINE.fullmatch(str(problem)) and path.name in str(problem), problem
                assert problem.message and "sk-x" not in str(problem)
    assert loaded
