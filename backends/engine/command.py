"""`cloverleaf engine`: flags in, one ready line per replica out, a clean end on SIGTERM or SIGINT."""

import argparse
import asyncio
import contextlib
import resource
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import uvloop

from backends.engine.faults import Fault
from backends.engine.profile import Profile
from backends.engine.server import Engine, EngineOptions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of the engine; the profile's own become one flag each."""
    defaults = EngineOptions()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="of the first replica; the others follow; 0: any")
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--model", default=defaults.model, help="the name it answers to")
    parser.add_argument("--max-model-len", type=int, default=defaults.max_model_len)
    parser.add_argument("--api-key", help="guards /v1")
    parser.add_argument("--speed", type=float, default=1.0, help="how many times faster than the profile")
    parser.add_argument("--tokens-per-second", type=float, help="a fixed rate for each stream instead of the profile")
    parser.add_argument("--fault", action="append", default=[], metavar="JSON", help="arm a fault at the start")
    parser.add_argument(
        "--kv-events", metavar="ADDRESS", help="publish cache events there, as tcp://*:1{port} ({port}: the replica's)"
    )
    parser.add_argument("--journal", type=Path, metavar="FILE", help="a line for each generation that ended")
    profile = parser.add_argument_group("profile", "what the emulated GPU costs and holds")
    for field in msgspec.structs.fields(Profile):
        flag = "--" + field.name.replace("_", "-")
        profile.add_argument(flag, dest=field.name, type=type(field.default), default=field.default)


def run(args: argparse.Namespace) -> int:
    """Serve until told to stop; 2 when the flags make no sense or a port is taken."""
    _allow_many_sockets()
    try:
        options = _options(args)
        uvloop.run(_serve(options, args))
    except (ValueError, OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"engine: {error}\n")
        return 2
    return 0


def _allow_many_sockets() -> None:
    """A thousand streams exceed the usual soft limit; where the system refuses to raise it, it stays."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _options(args: argparse.Namespace) -> EngineOptions:
    if args.kv_events is not None and find_spec("zmq") is None:
        raise ValueError("--kv-events needs pyzmq: pip install 'cloverleaf[kv-events]'")
    names = [field.name for field in msgspec.structs.fields(Profile)]
    return EngineOptions(
        model=args.model,
        profile=Profile(**{name: getattr(args, name) for name in names}),
        max_model_len=args.max_model_len,
        api_key=args.api_key,
        speed=args.speed,
        tokens_per_second=args.tokens_per_second,
        journal=args.journal,
        kv_events=args.kv_events,
        faults=tuple(msgspec.json.decode(fault, type=Fault) for fault in args.fault),
    )


async def _serve(options: EngineOptions, args: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    engines: list[Engine] = []
    try:
        for replica in range(args.replicas):
            engine = Engine(options)
            url = await engine.start(args.host, args.port and args.port + replica)
            engines.append(engine)
            told = f" kv_events={engine.kv_events}" if engine.kv_events else ""
            sys.stdout.write(f"cloverleaf-engine ready: {url} model={options.model}{told}\n")
            sys.stdout.flush()
        await stopped.wait()
    finally:
        for engine in engines:
            await engine.stop()
