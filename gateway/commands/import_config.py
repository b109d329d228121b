"""`cloverleaf import`: converts another gateway's configuration and lists what was left out. Exits 2 on bad input."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import yaml

from gateway.litellm.convert import Conversion, text
from gateway.litellm.read import Misread


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("what", choices=["litellm"], help="whose configuration it is")
    parser.add_argument("file", type=Path, metavar="FILE", help="its config.yaml")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write ours (default: print it)")


def run(args: Namespace) -> int:
    try:
        conversion = Conversion(yaml.safe_load(args.file.read_text(encoding="utf-8")))
        made = text(conversion, args.file.name)
        if args.output is not None:
            args.output.write_text(made, encoding="utf-8")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        sys.stderr.write(f"{args.file}:{line}: not YAML: {error.problem}\n")
        return 2
    except (Misread, OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        sys.stderr.write(f"{args.file}: {error}\n" if isinstance(error, Misread) else f"import: {error}\n")
        return 2
    if args.output is None:
        sys.stdout.write(made)
    for note in conversion.notes:
        sys.stderr.write(f"{args.file}: note: {note}\n")
    return 0
