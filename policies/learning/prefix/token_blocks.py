"""Names of token blocks: an engine caches full blocks; each is named by all tokens up to its end.

The names are ours: an engine's own hashes differ by version and setting, so they are only ever translated. A name is
64 bits of BLAKE2b, the same in every process.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b

from policies.vocabulary.hashing import digest


def root(adapter: str) -> int:
    """What the first block follows on. ``adapter``: the LoRA adapter's name; empty: the model itself."""
    return digest("adapter", adapter)


def name(parent: int, tokens: tuple[int, ...], extra: str) -> int:
    """The block of these tokens after ``parent``. ``extra``: what else keeps it apart, as images and salts do."""
    said = array("Q", (parent, *tokens)).tobytes() + extra.encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "little")


def names(tokens: Sequence[int], size: int, adapter: str = "", salt: str = "") -> tuple[int, ...]:
    """All full blocks of a text, of ``size`` tokens each."""
    parent, extra, found = root(adapter), marks([salt]) if salt else "", []
    for start in range(0, len(tokens) - size + 1, size):
        parent = name(parent, tuple(tokens[start : start + size]), extra)
        found.append(parent)
        extra = ""  # a salt is part of the first block
    return tuple(found)


def marks(extras: Sequence[object]) -> str:
    """The extra keys of one block, as its name takes them."""
    return repr(list(extras)) if extras else ""
