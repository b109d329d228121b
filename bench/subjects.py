"""What is measured. Rule: every subject has one upstream, the cheapest routing it offers and no log line per request.

Cloverleaf checks a key, scrapes its upstream and keeps its ledger as in production; the routers do none of it, which is
in their favour.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench.peers import PEERS, home, installed
from bench.process import ROOT, free_port, python
from bench.wire import KEY

COMPILED = ROOT / "build" / "compiled"  # cloverleaf as `make compiled` makes it


class Place(msgspec.Struct, frozen=True):
    """Where one subject runs in one run of the bench."""

    upstream: int
    port: int
    admin: int
    folder: Path  # for what it writes

    @property
    def upstream_url(self) -> str:
        return f"http://127.0.0.1:{self.upstream}"


class Subject(msgspec.Struct, frozen=True):
    name: str
    command: Callable[[Place], list[str]]
    ready: str = "/health"
    ready_on_admin: bool = False
    headers: Callable[[Place], list[str]] = lambda place: []
    package: Path | None = None  # where its modules are, where that is not the checkout

    def environment(self, place: Place) -> dict[str, str]:
        return {
            **({"PYTHONPATH": str(self.package)} if self.package else {}),
            "BENCH_KEY": KEY,
            "BENCH_LEDGER": str(place.folder / "ledger.db"),
            "BENCH_UPSTREAM": place.upstream_url,
            "BENCH_UPSTREAM_V1": place.upstream_url + "/v1",
            "TRUSTED_CUSTOM_HOSTS": "127.0.0.1",  # portkey refuses loopback upstreams otherwise
        }

    def missing(self) -> bool:
        return (self.package is not None and not self.package.exists()) or any(
            peer.name == self.name and not installed(peer) for peer in PEERS
        )


def floor(place: Place) -> list[str]:
    return python("bench.floor", "--port", str(place.port), "--upstream", str(place.upstream))


def cloverleaf(place: Place) -> list[str]:
    serve = [str(Path(sys.executable).parent / "cloverleaf"), "serve", str(ROOT / "bench" / "cloverleaf.yaml")]
    return [*serve, "--host", "127.0.0.1", "--port", str(place.port), "--admin-port", str(place.admin)]


def rust_router(program: str, *before: str) -> Callable[[Place], list[str]]:
    """The three Rust routers descend from one and share its flags."""

    def command(place: Place) -> list[str]:
        where = ["--host", "127.0.0.1", "--port", str(place.port), "--worker-urls", place.upstream_url]
        metrics = ["--prometheus-host", "127.0.0.1", "--prometheus-port", str(place.admin)]
        return [program, *before, *where, *metrics, "--policy", "round_robin", "--log-level", "error"]

    return command


def litellm(place: Place) -> list[str]:
    config = str(ROOT / "bench" / "litellm.yaml")
    where = ["--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1"]
    return [str(home("litellm") / "bin" / "litellm"), "--config", config, *where]


def portkey(place: Place) -> list[str]:
    script = home("portkey") / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    return ["node", str(script), "--headless", f"--port={place.port}"]


def portkey_headers(place: Place) -> list[str]:
    return ["x-portkey-provider: openai", f"x-portkey-custom-host: {place.upstream_url}/v1"]


SUBJECTS = (
    Subject("floor", floor),
    Subject("cloverleaf", cloverleaf, ready="/ready", ready_on_admin=True),
    Subject("compiled", cloverleaf, ready="/ready", ready_on_admin=True, package=COMPILED),
    Subject("vllm-router", rust_router(str(home("vllm-router") / "bin" / "vllm-router"))),
    Subject("sglang-router", rust_router(str(home("sglang-router") / "bin" / "sglang-router"), "launch")),
    Subject("smg", rust_router(str(home("smg") / "bin" / "smg"), "launch")),
    Subject("litellm", litellm, ready="/health/liveliness"),
    Subject("portkey", portkey, ready="/", headers=portkey_headers),
)


def earlier(checkout: Path) -> tuple[Subject, ...]:
    """Another checkout of cloverleaf, as it is and, where it has been built, compiled: to compare a change with."""
    packages = {"before": checkout, "before-compiled": checkout / "build" / "compiled"}
    return tuple(
        Subject(name, cloverleaf, ready="/ready", ready_on_admin=True, package=package)
        for name, package in packages.items()
    )


def place(upstream: int, folder: Path) -> Place:
    return Place(upstream, free_port(), free_port(), folder)
