"""Functions named as `module:function`, imported when the file is read, so that a mistake is reported then.

The module is the operator's own code, found where Python finds any: installed, or on PYTHONPATH.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any


def function(name: str) -> Callable[..., Any]:
    """
    Raises:
        ValueError: it cannot be imported, or is no function.
    """
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # whatever that code does while it is imported
        raise ValueError(f"cannot be imported: {type(error).__name__}: {error}") from None
    if not callable(found):
        raise ValueError("is not a function")
    return found  # type: ignore[no-any-return]


def importable(name: str) -> str:
    """The name, where it can be imported."""
    function(name)
    return name
