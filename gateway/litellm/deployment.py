"""Converts `model_list` entries into deployments; engines that serve the same model become one pool."""

import re
from typing import Any

import msgspec

from backends.providers.openai import OPENAI
from backends.providers.openai_compatible import OPENAI_COMPATIBLE
from backends.providers.provider import Provider
from gateway.litellm.names import Names
from gateway.litellm.providers import known

MILLION = 1_000_000
PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
}
COUNTS = {"rpm": "rpm", "tpm": "tpm", "max_parallel_requests": "max_concurrency"}
SECRET = ("auth", "key", "token", "secret", "cookie", "password", "credential")  # in the names of headers
NO_KEYS = ("none", "empty", "fake-key", "dummy", "")  # written for engines that ask for none
#: Of model_info: what says nothing to a router.
SILENT = frozenset({"id", "mode", "base_model", "description", "litellm_provider", "max_output_tokens", "max_tokens"})
Json = dict[str, Any]


class Entry(msgspec.Struct):
    """``made``: the deployment; ``order``: its tier."""

    made: Json
    order: int = 0


def deployment(item: Json, path: str, names: Names, notes: list[str], *, drop: bool) -> Entry | None:
    """None: it has no place here, and a note says why."""
    given, info = dict(item.get("litellm_params") or {}), dict(item.get("model_info") or {})
    model = given.pop("model", None)
    if model is None:
        notes.append(f"{path}.litellm_params.model: missing; left out")
        return None
    found = _provider(model, given, path, notes)
    if found is None:
        return None
    provider, upstream = found
    made: Json = {"provider": provider.name, "model": upstream}
    _address(made, provider, given, path, names)
    _credentials(made, provider, given, path, names)
    _limits(made, given, item)
    _price(made, given, info, path, notes)
    window = info.pop("max_input_tokens", None)
    if isinstance(window, int) and window > 0:
        made["context_window"] = window
    headers = given.pop("extra_headers", None) or given.pop("headers", None)
    if isinstance(headers, dict):
        made["headers"] = {str(key).lower(): _header(str(key), value, path, names) for key, value in headers.items()}
    tags = given.pop("tags", None)
    if isinstance(tags, list):
        made["tags"] = tags
    if given.pop("drop_params", drop) is True:
        made["unsupported"] = "drop"
    order = given.pop("order", 0)
    rest = [f"litellm_params.{key}" for key in given] + [f"model_info.{key}" for key in info if key not in SILENT]
    notes += [f"{path}.{key}: has no place here" for key in rest]
    return Entry(made, order if isinstance(order, int) else 0)


def same_pool(entries: list[Entry]) -> list[Entry]:
    """The entries of one model; engines that differ by nothing but their address are one deployment."""
    pools: list[Entry] = []
    for entry in entries:
        alike = (
            each for each in pools if each.order == entry.order and _but_place(each.made) == _but_place(entry.made)
        )
        pool = next(alike, None) if "endpoints" in entry.made else None
        if pool is None:
            pools.append(entry)
        else:
            pool.made["endpoints"] += [each for each in entry.made["endpoints"] if each not in pool.made["endpoints"]]
    return pools


def _but_place(made: Json) -> Json:
    return {key: value for key, value in made.items() if key != "endpoints"}


def _provider(model: str, given: Json, path: str, notes: list[str]) -> tuple[Provider, str] | None:
    named = given.pop("custom_llm_provider", None)
    found = known(f"{named}/{model}" if named and not model.startswith(f"{named}/") else model)
    address = given.get("api_base") or given.get("base_url")
    if found is not None and found[0] is OPENAI and address and "api.openai.com" not in str(address):
        return msgspec.structs.replace(OPENAI_COMPATIBLE, litellm=OPENAI.litellm), found[1]
    if found is not None and found[0].self_hosted and not address:
        notes.append(f"{path}.litellm_params.api_base: missing; left out")
        return None
    if found is None and address:
        notes.append(f"{path}.litellm_params.model: {model} is taken for a server that speaks OpenAI's API")
        return OPENAI_COMPATIBLE, model.partition("/")[2] or model
    if found is None:
        notes.append(f"{path}.litellm_params.model: {model}: the provider is not known here; left out")
    return found


def _address(made: Json, provider: Provider, given: Json, path: str, names: Names) -> None:
    address = names.value(given.pop("api_base", None) or given.pop("base_url", None))
    given.pop("base_url", None)
    if address is not None:
        address = address.rstrip("/")
        if "@" in address:
            address = names.secret(address, "UPSTREAM_URL", f"{path}.litellm_params.api_base")
    if provider.self_hosted:
        made["endpoints"] = [str(address).removesuffix("/v1")]
    elif provider.litellm.address_variable:
        made["base_url"] = address or f"${{{provider.litellm.address_variable}}}"
    elif address and "region" not in provider.keys:
        made["base_url"] = address
    for key, own in (("api_version", "api_version"), ("vertex_project", "project")):
        if given.get(key) is not None:
            made[own] = str(names.value(given.pop(key)))
    for key in ("aws_region_name", "vertex_location", "region_name"):
        region = names.value(given.pop(key, None))
        if region and "region" in provider.keys:
            made["region"] = region


def _credentials(made: Json, provider: Provider, given: Json, path: str, names: Names) -> None:
    where, key, variable = f"{path}.litellm_params", given.pop("api_key", None), provider.litellm.key_variable
    if key is not None and not (provider.self_hosted and str(key).lower() in NO_KEYS):
        made["api_key"] = names.secret(key, variable or "UPSTREAM_API_KEY", f"{where}.api_key")
    elif key is None and variable and provider.name != OPENAI_COMPATIBLE.name:
        made["api_key"] = f"${{{variable}}}"
    id, secret = given.pop("aws_access_key_id", None), given.pop("aws_secret_access_key", None)
    session = given.pop("aws_session_token", None)
    if id is not None and secret is not None:
        made["aws"] = {
            "access_key_id": names.secret(id, "AWS_ACCESS_KEY_ID", f"{where}.aws_access_key_id"),
            "secret_access_key": names.secret(secret, "AWS_SECRET_ACCESS_KEY", f"{where}.aws_secret_access_key"),
        }
        if session is not None:
            made["aws"]["session_token"] = names.secret(session, "AWS_SESSION_TOKEN", f"{where}.aws_session_token")
    account = given.pop("vertex_credentials", None)
    if isinstance(account, str):
        is_path = not account.startswith(("os.environ/", "{"))
        made["credentials"] = (
            f"file:{account}" if is_path else names.secret(account, "GOOGLE_ACCOUNT", f"{where}.vertex_credentials")
        )
    elif account is not None:
        made["credentials"] = names.secret(
            msgspec.json.encode(account).decode(), "GOOGLE_ACCOUNT", f"{where}.vertex_credentials"
        )
    tenant, app, proof = (given.pop(name, None) for name in ("tenant_id", "client_id", "client_secret"))
    if tenant and app and proof and "api_key" in made and key is None:
        del made["api_key"]
        made["entra"] = {
            "tenant": names.value(tenant),
            "client_id": names.value(app),
            "client_secret": names.secret(proof, "AZURE_CLIENT_SECRET", f"{where}.client_secret"),
        }


def _header(name: str, value: Any, path: str, names: Names) -> str:
    if any(word in name.lower() for word in SECRET):
        variable = re.sub(r"[^A-Z0-9]+", "_", name.upper())
        return names.secret(value, variable, f"{path}.litellm_params.extra_headers.{name}")
    return str(names.value(value))


def _limits(made: Json, given: Json, item: Json) -> None:
    for key, own in COUNTS.items():
        value = given.pop(key, None)
        if isinstance(value, int) and value > 0:
            made[own] = value
        elif isinstance(item.get(key), int):
            made[own] = item[key]
    weight = given.pop("weight", None)
    if isinstance(weight, int | float):
        made["weight"] = weight
    timeouts = {}
    for key, own in (("timeout", "response"), ("stream_timeout", "ttft")):
        seconds = given.pop(key, None)
        if isinstance(seconds, int | float) and seconds > 0:
            timeouts[own] = f"{seconds:g}s"
    if timeouts:
        made["timeouts"] = timeouts


def _price(made: Json, given: Json, info: Json, path: str, notes: list[str]) -> None:
    known: dict[str, float] = {}
    for key, own in PRICES.items():
        stated, otherwise = given.pop(key, None), info.pop(key, None)
        found = stated if stated is not None else otherwise
        try:
            known |= {own: round(float(found) * MILLION, 9)} if found is not None else {}
        except ValueError:
            notes.append(f"{path}.{key}: {found!r} is no price; left out")
    if known:
        made["price"] = {"input": 0.0, "output": 0.0, **known}
