"""What the tests ask. Rule: the answer is noise, so only its shape, its length and its sameness are ever asserted."""

from itertools import count
from typing import Any

HELLO: list[Any] = [{"role": "user", "content": "import os"}]
_fresh = count()


def long_prompt(tokens: int) -> str:
    """About `tokens` tokens, never asked before in this run: no engine has any of it cached."""
    return f"{next(_fresh)} " + "import os\n" * (tokens // 3)
