"""vLLM's metrics, by aliases over its versions. What is absent stays unknown, never zero."""

import math
import re

from policies.vocabulary.engine_state import EngineLoad

RUNNING = ("vllm:num_requests_running",)
WAITING = ("vllm:num_requests_waiting",)
KV_USAGE = ("vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc")
PREFIX_QUERIES = (
    "vllm:prefix_cache_queries_total",
    "vllm:prefix_cache_queries",
    "vllm:gpu_prefix_cache_queries_total",
    "vllm:gpu_prefix_cache_queries",
)
PREFIX_HITS = (
    "vllm:prefix_cache_hits_total",
    "vllm:prefix_cache_hits",
    "vllm:gpu_prefix_cache_hits_total",
    "vllm:gpu_prefix_cache_hits",
)
CACHE_CONFIG = ("vllm:cache_config_info",)
SLEEP_STATE = ("vllm:engine_sleep_state",)


def parse(text: str) -> EngineLoad:
    """The load that a Prometheus exposition tells. Several engines (data parallel) are added up; KV: the fullest."""
    kv = [value for _, value in _first(text, KV_USAGE)]
    awake = [value for labels, value in _first(text, SLEEP_STATE) if 'sleep_state="awake"' in labels]
    return EngineLoad(
        running=_sum(text, RUNNING),
        waiting=_sum(text, WAITING),
        kv_usage=max(kv, default=None),
        prefix_queries=_sum(text, PREFIX_QUERIES),
        prefix_hits=_sum(text, PREFIX_HITS),
        sleeping=not any(awake) if awake else None,
        kv_tokens=_kv_tokens(text),
    )


def _kv_tokens(text: str) -> float | None:
    """What the cache holds: an info metric tells it in its labels, as `num_gpu_blocks="25000"`."""
    held = [
        float(labels["num_gpu_blocks"]) * float(labels["block_size"])
        for written, _ in _first(text, CACHE_CONFIG)
        if {"num_gpu_blocks", "block_size"} <= (labels := dict(re.findall(r'(\w+)="(\d+)"', written))).keys()
    ]
    return sum(held) if held else None


def _sum(text: str, names: tuple[str, ...]) -> float | None:
    values = [value for _, value in _first(text, names)]
    return sum(values) if values else None


def _first(text: str, names: tuple[str, ...]) -> list[tuple[str, float]]:
    """(labels, value) of each sample of the first name that is there."""
    return next((samples for name in names if (samples := _samples(text, name))), [])


def _samples(text: str, name: str) -> list[tuple[str, float]]:
    """The samples of one metric, found without parsing the rest of a long text. NaN and infinity say nothing."""
    samples = []
    for labels, number in re.findall(rf"^{name}(\{{.*\}})?[ \t]+(\S+)", text, re.MULTILINE):
        try:
            value = float(number)
        except ValueError:
            continue
        if math.isfinite(value):
            samples.append((labels, value))
    return samples
