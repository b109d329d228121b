"""`cloverleaf difficulty`: fits the weights of `quality` to labelled prompts, and reports how they rank held-out
ones.
"""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILIES
from backends.request.prompt_text import prompt_text
from gateway.commands.difficulty_examples import examples
from policies.learning.difficulty.features import Weights, features
from policies.learning.difficulty.fit import Example, fit, held_out, ranking
from policies.learning.difficulty.score import values

SHARES = (0.1, 0.2, 0.3, 0.5)
EACH = 100  # made prompts of each kind


class _Label(msgspec.Struct):
    hard: float | bool
    group: str = ""


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "data", nargs="?", metavar="DATA.jsonl",
        help="a request's body on each line, with 'hard' (true, false, or 0 to 1) and, if you like, 'group': those of "
        "one group are tested together; left out: the prompts that the shipped weights were fitted on",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the made prompts")
    parser.add_argument("--json", action="store_true", help="print weights and figures as JSON")


def run(args: Namespace) -> int:
    try:
        labelled = list(_read(Path(args.data)) if args.data else _made(args.seed))
        if len({label >= 0.5 for (_, label), _ in labelled}) < 2:
            raise ValueError("both hard and easy prompts are needed")
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"difficulty: {error}\n")
        return 2
    known, groups = [each for each, _ in labelled], [group for _, group in labelled]
    scored = held_out(known, groups)
    told = {
        "prompts": len(known),
        "groups": len(set(groups)),
        "auc": round(ranking(scored), 3),
        "found": _found(scored),
    }
    weights = fit(known)
    if args.json:
        sys.stdout.write(msgspec.json.encode({**told, "weights": weights}).decode() + "\n")
    else:
        sys.stdout.write(_text(told, weights))
    return 0


def _read(path: Path) -> Iterator[tuple[Example, str]]:
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            label = msgspec.json.decode(line, type=_Label)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
        asked = prompt_text(Facts(FAMILIES[0], line))
        if not asked.text:
            raise ValueError(f"{path}:{number}: no prompt in 'messages', 'input' or 'prompt'")
        yield (features(asked.text, len(line), asked.turns), float(label.hard)), label.group or str(number)


def _made(seed: int) -> Iterator[tuple[Example, str]]:
    for each in examples(seed, EACH):
        yield (features(each.text, len(each.text) + 60, 0), float(each.hard)), each.kind


def _found(scored: list[tuple[float, float]]) -> dict[str, float]:
    """By share of strong calls: what share of the hard prompts are among them."""
    ordered = sorted(scored, key=lambda each: -each[0])
    hard = sum(label >= 0.5 for _, label in ordered)
    cuts = {share: ordered[: round(share * len(ordered))] for share in SHARES}
    return {f"{share:.0%}": round(sum(label >= 0.5 for _, label in cut) / hard, 3) for share, cut in cuts.items()}


def _text(told: dict[str, object], weights: Weights) -> str:
    lines = [
        f"# {told['prompts']} prompts of {told['groups']} groups; each scored by weights that had not seen its group:",
        f"# a hard prompt scores above an easy one in {told['auc']:.1%} of pairs (50 % is chance)",
    ]
    found = told["found"]
    assert isinstance(found, dict)
    lines += [f"# {share} strong calls find {each:.0%} of the hard prompts" for share, each in found.items()]
    names = Weights.__struct_fields__
    lines += ["difficulty:", "  weights:"]
    lines += [f"    {name}: {value:g}" for name, value in zip(names, values(weights), strict=True)]
    return "\n".join(lines) + "\n"
