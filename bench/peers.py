"""The peers. Rule: each lives in a home of its own outside the checkout, at a pinned version.

python -m bench.peers install vllm-router
python -m bench.peers list
"""

import argparse
import subprocess
import sys
from pathlib import Path

import msgspec

HOMES = Path.home() / ".cache" / "cloverleaf-bench"


class Peer(msgspec.Struct, frozen=True):
    name: str
    package: str
    npm: bool = False


PEERS = (
    Peer("vllm-router", "vllm-router==0.1.17"),
    Peer("sglang-router", "sglang-router==0.3.2"),
    Peer("smg", "smg==1.13.0"),
    Peer("litellm", "litellm[proxy]==1.106.2"),
    Peer("portkey", "@portkey-ai/gateway@1.15.2", npm=True),
)


def home(name: str) -> Path:
    return HOMES / name


def installed(peer: Peer) -> bool:
    """The mark is written last: half an installation does not count."""
    mark = home(peer.name) / "installed"
    return mark.exists() and mark.read_text() == peer.package


def install(peer: Peer) -> None:
    directory = home(peer.name)
    directory.mkdir(parents=True, exist_ok=True)
    if peer.npm:
        subprocess.run(["npm", "install", "--prefix", str(directory), peer.package], check=True)
    else:
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)
        subprocess.run([str(directory / "bin" / "pip"), "install", "-q", peer.package], check=True)
    (directory / "installed").write_text(peer.package)


def main() -> None:
    parser = argparse.ArgumentParser(description="install peers to measure against")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("install").add_argument("names", nargs="+", choices=[peer.name for peer in PEERS])
    options = parser.parse_args()
    for peer in PEERS:
        if options.command == "list":
            print(peer.package, "installed" if installed(peer) else "not installed")
        elif peer.name in options.names:
            install(peer)


if __name__ == "__main__":
    main()
