"""The command line: a command is a module with ``add_arguments`` and ``run``; only the one that runs is imported."""

import sys
from argparse import ArgumentParser
from importlib import import_module, metadata

COMMANDS = {
    "serve": ("gateway.server.serve", "serve the OpenAI API"),
    "check": ("gateway.commands.check", "check a configuration"),
    "explain": ("gateway.commands.explain", "say where a request would go, and why"),
    "simulate": ("gateway.commands.simulate", "play a trace through policies, in virtual time"),
    "status": ("gateway.commands.status", "show what a running gateway sees"),
    "cost": ("gateway.commands.cost", "say where the money went"),
    "difficulty": ("gateway.commands.difficulty", "fit what the quality policy knows of hard prompts"),
    "ledger": ("gateway.commands.ledger", "export what was recorded"),
    "report": ("gateway.commands.report", "say what a week cost, or what another gateway would have"),
    "import": ("gateway.commands.import_config", "convert the configuration of another gateway"),
    "engine": ("backends.engine.command", "run the embedded engine by itself"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0, or 2 on bad input."""
    given = sys.argv[1:] if argv is None else argv
    parser = ArgumentParser(prog="cloverleaf", description="An OpenAI-compatible gateway and smart model router.")
    parser.add_argument("--version", action="version", version=f"cloverleaf {metadata.version('cloverleaf')}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = next((word for word in given if not word.startswith("-")), None)
    for name, (module, summary) in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name == asked:
            import_module(module).add_arguments(command)
    args = parser.parse_args(given)
    return int(import_module(COMMANDS[args.command][0]).run(args))


if __name__ == "__main__":
    sys.exit(main())
