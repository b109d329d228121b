"""Providers in LiteLLM's configuration: the prefix of its `model`, or a name that it knows without one."""

import re

from backends.providers import PROVIDERS
from backends.providers.provider import Provider


def known(model: str) -> tuple[Provider, str] | None:
    """Who serves LiteLLM's ``model``, and by what name it is known there; None: no provider that is served here."""
    prefix, slash, rest = model.partition("/")
    for provider in PROVIDERS:
        names = provider.litellm
        if slash and prefix in names.prefixes:
            for route in names.routes:
                rest = rest.removeprefix(route)
            return provider, rest
        if not slash and names.bare and re.match(names.bare, model):
            return provider, model
    return None
