"""OpenTelemetry GenAI names for things that have other names here."""

from backends.contract.families import FAMILY


def operation(family: str) -> str:
    """The operation of an endpoint family; its own name where the conventions have none."""
    found = FAMILY.get(family)
    return (found.operation if found is not None else "") or family
