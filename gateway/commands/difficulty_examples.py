"""Example prompts, generated from the kinds in difficulty_examples.yaml; the same seed gives the same ones."""

from collections.abc import Iterator, Mapping
from itertools import count, repeat
from pathlib import Path

import msgspec

from policies.vocabulary.hashing import mix

KINDS = Path(__file__).with_suffix(".yaml")


class Kinds(msgspec.Struct, frozen=True):
    """Patterns by kind, and what replaces a name in braces."""

    easy: Mapping[str, list[str]]
    hard: Mapping[str, list[str]]
    words: Mapping[str, list[str]]


class Example(msgspec.Struct, frozen=True):
    """``kind``: what it was made from; a fair test of weights has not seen its kind."""

    text: str
    hard: bool
    kind: str


def examples(seed: int, each: int) -> Iterator[Example]:
    """``each`` prompts of every kind."""
    kinds = msgspec.yaml.decode(KINDS.read_bytes(), type=Kinds)
    draws = map(mix, count(), repeat(seed))
    for named, hard in ((kinds.easy, False), (kinds.hard, True)):
        for kind, patterns in named.items():
            for _ in range(each):
                yield Example(_filled(_one(patterns, draws), kinds.words, draws), hard, kind)


def _filled(text: str, words: Mapping[str, list[str]], draws: Iterator[int]) -> str:
    """Each name in braces is replaced by one of its words; what is no name stays as it is."""
    for _ in range(2):  # what fills a pattern may have names of its own
        for name, choices in words.items():
            while "{" + name + "}" in text:
                text = text.replace("{" + name + "}", _one(choices, draws), 1)
    return text


def _one(choices: list[str], draws: Iterator[int]) -> str:
    return choices[next(draws) % len(choices)]
