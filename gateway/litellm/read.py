"""Reads a LiteLLM file and checks the shapes that the conversion relies on."""

from typing import Any

import msgspec

_Number = float | str | None  # YAML reads 1e-06 as text


class Misread(Exception):
    """The file is not LiteLLM's; the message names the place."""


class _Params(msgspec.Struct):
    model: str | None = None
    custom_llm_provider: str | None = None
    api_base: str | None = None
    base_url: str | None = None
    input_cost_per_token: _Number = None
    output_cost_per_token: _Number = None
    cache_read_input_token_cost: _Number = None
    cache_creation_input_token_cost: _Number = None


class _Item(msgspec.Struct):
    model_name: str
    litellm_params: _Params | None = None
    model_info: _Params | None = None


class _Settings(msgspec.Struct):
    model_group_alias: dict[str, Any] | None = None
    routing_strategy: str | None = None
    fallbacks: list[Any] | None = None
    context_window_fallbacks: list[Any] | None = None
    content_policy_fallbacks: list[Any] | None = None
    default_fallbacks: list[Any] | None = None


class _File(msgspec.Struct):
    model_list: list[_Item]
    router_settings: _Settings | None = None
    litellm_settings: _Settings | None = None
    general_settings: dict[Any, Any] | None = None


def shaped(read: object) -> dict[str, Any]:
    """What was read, where it has the shape of LiteLLM's configuration.

    Raises:
        Misread: it has not.
    """
    if not isinstance(read, dict) or not isinstance(read.get("model_list"), list):
        raise Misread("model_list: missing, so this is no configuration of LiteLLM's proxy")
    try:
        msgspec.convert(read, _File)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at ")
        raise Misread(f"{where.strip('`$.')}: {what.replace('Object missing required field', 'missing:')}") from None
    return read
