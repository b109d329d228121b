"""How a provider takes fields of OpenAI's API; every other field passes as it came."""

from collections.abc import Mapping

import msgspec


class FieldRules(msgspec.Struct, frozen=True):
    """Fields of chat and completions.

    rejects: The provider answers them with 400 or ignores them: they are refused by name, or, with `unsupported: drop`,
        left out and named.
    renames: OpenAI's name to the provider's.
    implied: The provider always does them and refuses the field: they are left out.
    """

    rejects: tuple[str, ...] = ()
    renames: Mapping[str, str] = {}
    implied: tuple[str, ...] = ()

    @property
    def differ(self) -> bool:
        """Whether any field is taken otherwise."""
        return bool(self.rejects or self.renames or self.implied)
