"""How a provider takes fields of OpenAI's API; every other field passes as it came."""

from collections.abc import Mapping

import msgspec


class FieldRules(msgspec.Struct, frozen=True):
    """Fields of chat and completions.

    rejects: It answers them with 400, or passes over them in silence: they are refused here by name, or, with
        `unsupported: drop`, left out and named.
    renames: It calls them otherwise (OpenAI's name to its own).
    implied: It does them unasked, and refuses to be asked: they are left out.
    """

    rejects: tuple[str, ...] = ()
    renames: Mapping[str, str] = {}
    implied: tuple[str, ...] = ()

    @property
    def differ(self) -> bool:
        """Whether any field is taken otherwise."""
        return bool(self.rejects or self.renames or self.implied)
