"""Small traces and pools to simulate."""

from pathlib import Path

from gateway.config import Config, load
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Arrival, Trace

ROOT = Path(__file__).parents[3]
TRACES = ROOT.parent / "shared" / "traces"
POOL = """
deployments:
  pool: {provider: vllm, model: m, endpoints: [http://gpu-0:8000]}
  cloud: {provider: openai_compatible, model: m, base_url: "http://cloud/v1", price: {input: 1.0, output: 2.0}}
models:
  m: {deployments: [pool, cloud], policy: least_busy}
  own: {deployments: [pool], policy: least_busy}
"""


def config(folder: Path, text: str = POOL) -> Config:
    path = folder / "cloverleaf.yaml"
    path.write_text(text)
    return load(path)


def trace(*arrivals: Arrival, **befalls: object) -> Trace:
    return Trace("test", arrivals, 16, **befalls)  # type: ignore[arg-type]


def steady(count: int, gap: float, prompt: int = 1000, output: int = 50) -> list[Arrival]:
    """Equal requests, one every ``gap`` seconds, nothing in common."""
    return [
        Arrival(number * gap, prompt, output, tuple(number * 10_000 + block for block in range(-(-prompt // 16))))
        for number in range(count)
    ]


def played(
    config: Config, policy: str, trace: Trace, *, model: str = "own", replicas: int = 4, seed: int = 0
) -> Simulation:
    world = Simulation(config, policy, trace, Options(model=model, replicas=replicas), seed)
    world.run(lambda arrived: None)
    return world
