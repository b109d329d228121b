"""Generated text: a pure function of prompt, seed and position.

A token is four bytes of UTF-8, cut wherever they fall: prompts of any language count exactly, the text an engine wrote
lines up with the same text in the next prompt, and any split point can be continued.
"""

from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from sys import intern

TOKEN_BYTES = 4
OPENERS = ("Once", "Here", "When", "This", "Then", "Each", "Some", "Both")
# Each word is a token: a space and three letters.
WORDS = (
    " oak elm ash fir ivy yew bay fig fox owl hen cat dog elk emu eel ant bee fly sun sky sea fog ice dew day"
    " eve red tan old new big wee shy coy dry wet hot raw ran sat lay fed met saw hid led won and but yet for"
    " nor the one two six ten far off out sap"
)


def count_tokens(data: bytes) -> int:
    return -(-len(data) // TOKEN_BYTES)


def encode(data: bytes) -> list[int]:
    """Token ids; a leading 1 keeps zero bytes and short tails apart."""
    return [int.from_bytes(b"\x01" + data[i : i + TOKEN_BYTES]) for i in range(0, len(data), TOKEN_BYTES)]


def decode(ids: Sequence[int]) -> bytes:
    """The bytes of token ids; an id that `encode` cannot give stands for its own four bytes."""
    return b"".join(_token_bytes(token) for token in ids)


def _token_bytes(token: int) -> bytes:
    width = (token.bit_length() + 7) // 8
    if 1 < width <= TOKEN_BYTES + 1 and token >> 8 * (width - 1) == 1:
        return token.to_bytes(width)[1:]
    return (token & (1 << 8 * TOKEN_BYTES) - 1).to_bytes(TOKEN_BYTES)


def block_keys(data: bytes, block_size: int, salt: str = "") -> list[int]:
    """A key for each full block of tokens, chained: equal keys mean equal text up to there, and equal salt."""
    keys, parent, width = [], blake2b(salt.encode(), digest_size=8).digest(), block_size * TOKEN_BYTES
    for start in range(0, len(data) - width + 1, width):
        parent = blake2b(data[start : start + width], key=parent, digest_size=8).digest()
        keys.append(int.from_bytes(parent))
    return keys


def voice(prompt: bytes, seed: int, choice: int) -> bytes:
    """The key from which one choice's text follows."""
    digest = blake2b(f"{seed}/{choice}/".encode(), digest_size=32)
    digest.update(prompt)
    return digest.digest()


def natural_length(key: bytes) -> int:
    """Tokens after which this voice falls silent by itself."""
    return 16 + key[0] % 112


def word(number: int) -> str:
    start = number * TOKEN_BYTES % len(WORDS)
    return WORDS[start : start + TOKEN_BYTES]


def words(key: bytes, tokens: int) -> str:
    """The first `tokens` tokens of a voice: an opener, then words with a leading space, four bytes each."""
    parts: list[str] = []
    for page in range(-(-tokens // 64)):
        digest = blake2b(page.to_bytes(4), key=key, digest_size=64).digest()
        parts.extend(word(byte) for byte in digest)
    parts[:1] = [OPENERS[key[1] % len(OPENERS)]]
    return "".join(parts[:tokens])


def pieces(text: str) -> list[str]:
    """Tokens as strings: cuts of four bytes, moved back so that none falls inside a character.

    They are interned, since a thousand long streams hold millions of some sixty words.
    """
    data, cuts = text.encode(), [0]
    while cuts[-1] < len(data):
        end = min(cuts[-1] + TOKEN_BYTES, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        cuts.append(end)
    return [intern(data[start:end].decode()) for start, end in pairwise(cuts)]
