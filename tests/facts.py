"""The facts of a body in tests that route nothing: no field is read until a test reads it."""

import msgspec

from backends.contract.facts import Facts
from backends.contract.families import FAMILIES

FAMILY = {family.name: family for family in FAMILIES}


def facts(body: bytes = b"{}", family: str = "chat") -> Facts:
    return Facts(FAMILY[family], body)


def facts_of(family: str = "chat", **fields: object) -> Facts:
    return facts(msgspec.json.encode(fields), family)
