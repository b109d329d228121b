"""vLLM's metrics. Rule: names are looked up by alias lists over versions; what is absent stays unknown, never zero."""

from policies.load import EngineLoad

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
    )


def _sum(text: str, names: tuple[str, ...]) -> float | None:
    values = [value for _, value in _first(text, names)]
    return sum(values) if values else None


def _first(text: str, names: tuple[str, ...]) -> list[tuple[str, float]]:
    """(labels, value) of each sample of the first name that is there."""
    return next((samples for name in names if (samples := _samples(text, name))), [])


def _samples(text: str, name: str) -> list[tuple[str, float]]:
    """The samples of one metric, found without parsing the rest of a long text."""
    samples = []
    at = text.find("\n" + name) if not text.startswith(name) else -1
    at += 1
    while at > 0 or (at == 0 and text.startswith(name)):
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else len(text)]
        rest = line[len(name) :]
        if rest[:1] in ("{", " "):
            labels, _, value = rest.rpartition("}") if "}" in rest else ("", "", rest)
            try:
                samples.append((labels, float(value.split()[0])))
            except (ValueError, IndexError):
                pass
        at = text.find("\n" + name, at) + 1
    return samples
