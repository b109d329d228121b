"""The embedded engine against the simulator. Rule: they share a replica model; what differs is clock, sockets, gateway.

python -m bench.fidelity.embedded            # about five minutes
"""

import argparse
import asyncio
import tempfile
from pathlib import Path

from bench.fidelity.compare import HEADING, RULE, measured, row, simulated
from bench.fidelity.play import play
from bench.process import Process, free_ports, python
from gateway.config import load as load_file
from gateway.simulate.generate import draw
from gateway.simulate.simulated_pool import Options
from gateway.simulate.trace import Trace
from gateway.simulate.workload_spec import Group, Spec

REPLICAS = 4
BLOCK = 16  # the engine's
PREFILL = 10_000  # tokens a second of a replica of the default profile, at prompts like these
CONFIG = """
server: {{port: {port}}}
admin: {{port: {admin}}}
defaults: {{timeouts: {{ttft: 120s}}}}
deployments: {{pool: {{provider: embedded, model: m, replicas: {replicas}}}}}
models: {{m: {{deployments: [pool], policy: {policy}}}}}
telemetry: {{log: warning}}
"""


def workload(load: float, seconds: float) -> Trace:
    """Half of the prompts begin as one of sixty. ``load``: prompt tokens offered over those that can be computed."""
    prompt = 3000
    spec = Spec(
        lasts=seconds,
        rate=load * REPLICAS * PREFILL / prompt,
        block=BLOCK,
        groups=[
            Group(name="talk", share=1, prefixes=60, prefix_tokens=2048, prompt_tokens=1000, output_tokens=100),
            Group(name="alone", share=1, prompt_tokens=3000, output_tokens=100),
        ],
    )
    return Trace("drawn", draw(spec, 1), BLOCK)


def compared(policy: str, load: float, seconds: float) -> str:
    trace = workload(load, seconds)
    with tempfile.TemporaryDirectory() as folder:
        port, admin = free_ports(2)
        path = Path(folder) / "gateway.yaml"
        path.write_text(CONFIG.format(port=port, admin=admin, replicas=REPLICAS, policy=policy))
        ready = f"http://127.0.0.1:{admin}/ready"
        with Process(python("gateway.cli", "serve", str(path)), {}, ready, Path(folder) / "log"):
            real = measured(asyncio.run(play(trace, f"http://127.0.0.1:{port}", "m")))
        told = simulated(load_file(path), policy, trace, Options())
    return row(f"`{policy}`, load {load}", real, told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--policy", action="append", help="default: power_of_two, prefix")
    parser.add_argument("--load", type=float, action="append", help="default: 0.5, 0.7")
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    print(HEADING, RULE, sep="\n")
    for load in args.load or (0.5, 0.7):
        for policy in args.policy or ("power_of_two", "prefix"):
            print(compared(policy, load, args.seconds), flush=True)


if __name__ == "__main__":
    main()
