"""Converts LiteLLM's settings one by one; each is converted, or listed as left out."""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

from gateway.config.address import MODEL_NAME
from gateway.litellm.deployment import Entry, deployment, same_pool
from gateway.litellm.names import Names
from gateway.litellm.read import Misread, shaped

STRATEGIES = {
    "simple-shuffle": "weighted",
    "least-busy": "least_busy",
    "usage-based-routing": "least_busy",
    "usage-based-routing-v2": "least_busy",
    "latency-based-routing": "lowest_latency",
    "cost-based-routing": "lowest_cost",
}
FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
MASTER = "LITELLM_MASTER_KEY"
#: What needs no place: it is so here, or says nothing to a gateway.
SILENT = frozenset({"enable_pre_call_checks", "set_verbose", "debug_level", "json_logs", "model_group_alias"})
Json = dict[str, Any]


class Conversion:
    """``made``: the configuration. ``notes``: what a person must know or do.

    Raises:
        Misread: it is not LiteLLM's.
    """

    def __init__(self, given: object) -> None:
        read = shaped(given)
        self.notes: list[str] = []
        self.names = Names(self.notes)
        self.made: Json = {}
        sections = ("router_settings", "litellm_settings", "general_settings")
        self._router, self._module, self._general = (dict(read.get(name) or {}) for name in sections)
        self._auth()
        self._defaults()
        self._models(read["model_list"])
        self._fallbacks()
        for name, section in zip(sections, (self._router, self._module, self._general), strict=True):
            self.notes += [f"{name}.{key}: has no place here" for key in section if key not in SILENT]
        self.notes += [f"{key}: has no place here" for key in sorted(map(str, set(read) - {"model_list", *sections}))]

    def _auth(self) -> None:
        master = self._general.pop("master_key", None)
        if master is not None:
            key = self.names.secret(master, MASTER, "general_settings.master_key")
            self.made["auth"] = {"keys": [{"name": "master", "key": key}]}

    def _defaults(self) -> None:
        router, module = self._router, self._module
        timeouts: dict[str, str] = {}
        retry: dict[str, int] = {}
        breaker: dict[str, int | str] = {}
        total = _first(router.pop("timeout", None), module.pop("request_timeout", None))
        if _positive(total):
            timeouts["total"] = f"{total:g}s"
        first = router.pop("stream_timeout", None)
        if _positive(first):
            timeouts["ttft"] = f"{first:g}s"
        retries = _first(router.pop("num_retries", None), module.pop("num_retries", None))
        if isinstance(retries, int):
            retry["attempts"] = retries
        allowed = _first(router.pop("allowed_fails", None), module.pop("allowed_fails", None))
        if isinstance(allowed, int):
            breaker["failures"] = allowed + 1
        cooldown = router.pop("cooldown_time", None)
        if _positive(cooldown):
            breaker["open_for"] = f"{cooldown:g}s"
        given = {"timeouts": timeouts, "retry": retry, "breaker": breaker}
        if any(given.values()):
            self.made["defaults"] = {key: value for key, value in given.items() if value}

    def _models(self, listed: list[Any]) -> None:
        drop = self._module.pop("drop_params", None) is True
        groups: dict[str, list[Entry]] = {}
        for number, item in enumerate(listed):
            path = f"model_list[{number}]"
            made = deployment(item, path, self.names, self.notes, drop=drop)
            if made is not None and self._servable(item["model_name"], path):
                groups.setdefault(item["model_name"], []).append(made)
        policy = self._policy()
        deployments: Json = {}
        self.made |= {"deployments": deployments, "models": {}}
        for name, entries in groups.items():
            tiers: dict[int, list[str]] = {}
            for entry in same_pool(entries):
                own = self.names.unique(name, deployments)
                deployments[own] = entry.made
                tiers.setdefault(entry.order, []).append(own)
            ordered = [tiers[order] for order in sorted(tiers)]
            many = any(len(tier) > 1 for tier in ordered)
            self.made["models"][name] = {
                "deployments": [tier[0] if len(tier) == 1 else tier for tier in ordered],
                **({"policy": policy} if many else {}),
            }
        if not deployments:
            raise Misread("model_list: nothing in it has a place here")

    def _servable(self, name: str, path: str) -> bool:
        servable = re.fullmatch(MODEL_NAME.pattern, name) is not None
        if not servable:
            self.notes.append(f'{path}.model_name: "{name}" cannot be a model\'s name here; left out')
        return servable

    def _policy(self) -> str:
        self._router.pop("routing_strategy_args", None)
        asked = self._router.pop("routing_strategy", "simple-shuffle")
        if asked not in STRATEGIES:
            self.notes.append(f"router_settings.routing_strategy: {asked} is not known here; weighted is taken")
        elif asked.startswith("usage"):
            self.notes.append(f"router_settings.routing_strategy: {asked} becomes least_busy, within rpm and tpm")
        return STRATEGIES.get(asked, "weighted")

    def _fallbacks(self) -> None:
        models, given = self.made["models"], (self._router, self._module)
        aliases = [(alias, _group(of)) for alias, of in (self._router.get("model_group_alias") or {}).items()]
        for alias, of in aliases:
            if of in models and alias not in models and re.fullmatch(MODEL_NAME.pattern, alias):
                models[of].setdefault("aliases", []).append(alias)
            else:
                self.notes.append(f"router_settings.model_group_alias.{alias}: cannot stand for {of} here; left out")
        known = {*models, *(alias for model in models.values() for alias in model.get("aliases", ()))}
        for key in FALLBACKS:
            pairs = [pair for section in given for pair in section.pop(key, None) or [] if isinstance(pair, dict)]
            for name, others in (item for pair in pairs for item in pair.items()):
                self._fall(models, known, key, str(name), others if isinstance(others, list) else [])
        usual: list[Any] = next((found for section in given if (found := section.pop("default_fallbacks", None))), [])
        for name, model in models.items():
            if "fallbacks" not in model and usual:
                self._fall(models, known, "fallbacks", name, [other for other in usual if other != name])

    def _fall(self, models: Json, known: set[str], key: str, name: str, others: list[Any]) -> None:
        kept = [other for other in others if isinstance(other, str) and other in known and other != name]
        if name not in models or len(kept) < len(others):
            missing = [str(other) for other in others if other not in kept] if name in models else [name]
            self.notes.append(f"{key}: {', '.join(missing)} is not defined; left out")
        if name in models and kept:
            models[name].setdefault(key, []).extend(other for other in kept if other not in models[name].get(key, []))


def _group(of: object) -> str:
    return str(of.get("model", "") if isinstance(of, Mapping) else of)


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < inf


def text(conversion: Conversion, source: str) -> str:
    """The configuration as YAML; what a person must know stands on top."""
    import yaml  # the loader of ours keeps lines, and writes nothing

    notes = "".join(f"#   {re.sub(r'[^ -~]', '?', note)}\n" for note in conversion.notes)
    head = f"# Made of {source} by `cloverleaf import litellm`. Check it: cloverleaf check FILE\n"
    if notes:
        head += f"# What to know:\n{notes}"
    return head + "\n" + yaml.safe_dump(conversion.made, sort_keys=False, width=110)
