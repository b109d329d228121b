"""A real vLLM server on the tiny model. Rule: a GPU server's flags, save for what a CPU and a test need."""

import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import msgspec

from tests.engine.process import Server, free_port

HERE = Path(__file__).parent
MAX_MODEL_LEN = 9000
END_TOKEN = 2  # <|im_end|>, the third special token of model.py

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
CPU = {
    "VLLM_HOST_IP": "127.0.0.1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",  # more would spin against the other engines on the same cores
    "VLLM_SERVER_DEV_MODE": "1",  # so that a test can reset its cache
    "TORCHDYNAMO_DISABLE": "1",  # else the first logprobs wait 20 s for a C++ compiler
}
GENERATE: list[str | int] = [
    *("--max-model-len", MAX_MODEL_LEN, "--max-num-batched-tokens", 512),  # a long prompt takes many steps
    *("--max-num-seqs", 16),  # so that a test can make requests wait
    *("--enable-prompt-tokens-details", "--enable-auto-tool-choice", "--tool-call-parser", "hermes"),
]
POOLING: list[str | int] = ["--runner", "pooling", "--convert", "embed", "--max-model-len", 2000]


def install() -> Path:
    """The virtual environment with the engine in it; made on the first call on a machine."""
    return Path(subprocess.check_output([HERE / "install.sh"], text=True).strip())


def make_model(home: Path) -> Path:
    """The tiny model, beside the environment, made again only when its recipe changes."""
    recipe = HERE / "model.py"
    model = home.parent / f"tiny-{hashlib.sha256(recipe.read_bytes()).hexdigest()[:12]}"
    if not model.exists():
        with tempfile.TemporaryDirectory(dir=home.parent) as building:
            made = Path(building) / "model"
            subprocess.run([home / "bin/python", recipe, made], env={**os.environ, **OFFLINE}, check=True)
            made.rename(model)
    return model


class Vllm(Server):
    """`url` is the server's root; the port is its own for life, so that a restarted engine is the same endpoint.

    ``core``: the only one it may use.
    """

    def __init__(
        self, log: Path, home: Path, model: Path, name: str, flags: list[str | int], core: int | None = None
    ) -> None:
        port, self.events = free_port(), free_port()  # where it serves, and where it publishes its cache events
        self.url = f"http://127.0.0.1:{port}"
        publisher = {"enable_kv_cache_events": True, "publisher": "zmq", "endpoint": f"tcp://*:{self.events}"}
        serve = [home / "bin/python", "-m", "vllm.entrypoints.cli.main", "serve", model, "--host", "127.0.0.1"]
        names = ["--port", port, "--served-model-name", name]
        kernels = ["--dtype", "float32", "--enforce-eager", "--block-size", 32]
        pinned = [] if core is None else ["taskset", "-c", core]
        told = ["--kv-events-config", msgspec.json.encode(publisher).decode()] if flags is GENERATE else []
        command = [str(word) for word in (*pinned, *serve, *names, *kernels, *flags, *told)]
        super().__init__(log, command, f"{self.url}/health", OFFLINE | CPU)
