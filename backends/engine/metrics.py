"""vLLM's metrics: its own names, labels and buckets."""

from bisect import bisect_left
from collections.abc import Sequence as Items

from backends.engine.profile import Profile
from backends.engine.sequence import Event, Model


def buckets(text: str) -> tuple[float, ...]:
    return tuple(map(float, text.split()))


TTFT = buckets(".001 .005 .01 .02 .04 .06 .08 .1 .25 .5 .75 1 2.5 5 7.5 10 20 40 80 160 640 2560")
GAP = buckets(".01 .025 .05 .075 .1 .15 .2 .3 .4 .5 .75 1 2.5 5 7.5 10 20 40 80")
WHOLE = buckets(".3 .5 .8 1 1.5 2 2.5 5 10 15 20 30 40 50 60 120 240 480 960 1920 7680")
TOKENS = tuple(digit * 10.0**power for power in range(6) for digit in (1, 2, 5))
SLEEP_STATES = ("awake", "weights_offloaded", "discard_all")


class Histogram:
    def __init__(self, bounds: Items[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def lines(self, name: str, labels: str) -> list[str]:
        lines, running = [f"# TYPE {name} histogram"], 0
        for bound, count in zip((*self.bounds, "+Inf"), self.counts, strict=True):
            running += count
            lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {float(running)}')
        return [*lines, f"{name}_count{{{labels}}} {float(running)}", f"{name}_sum{{{labels}}} {self.total}"]


class Metrics:
    def __init__(self) -> None:
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self.finished = {"stop": 0, "length": 0, "abort": 0}
        self.histograms = {
            "time_to_first_token_seconds": Histogram(TTFT),
            "inter_token_latency_seconds": Histogram(GAP),
            "e2e_request_latency_seconds": Histogram(WHOLE),
            "request_queue_time_seconds": Histogram(WHOLE),
            "request_prompt_tokens": Histogram(TOKENS),
            "request_generation_tokens": Histogram(TOKENS),
        }

    def observe(self, event: Event) -> None:
        sequence, seen = event.sequence, self.histograms
        if event.produced > 1:
            seen["inter_token_latency_seconds"].observe(event.since)
        else:
            seen["time_to_first_token_seconds"].observe(event.since)
            self.prompt_tokens += sequence.work.prompt_tokens
        self.generation_tokens += 1 if event.produced else 0
        if event.finished:
            self.finished[sequence.work.finish] += 1
            seen["e2e_request_latency_seconds"].observe(event.at - sequence.arrived)
            seen["request_queue_time_seconds"].observe((sequence.admitted or 0.0) - sequence.arrived)
            seen["request_prompt_tokens"].observe(sequence.work.prompt_tokens)
            seen["request_generation_tokens"].observe(event.produced)

    def aborted(self) -> None:
        self.finished["abort"] += 1

    def render(self, model_name: str, model: Model, profile: Profile, sleep_level: int) -> bytes:
        """Prometheus text."""
        labels = f'engine="0",model_name="{_escape(model_name)}"'
        lines: list[str] = []
        for name, value in _gauges(model).items():
            lines += [f"# TYPE vllm:{name} gauge", f"vllm:{name}{{{labels}}} {float(value)}"]
        lines += _state(labels, profile, sleep_level)
        for name, count in self._counters(model).items():
            lines += [f"# TYPE vllm:{name} counter", f"vllm:{name}_total{{{labels}}} {float(count)}"]
        lines.append("# TYPE vllm:request_success counter")
        for reason, count in self.finished.items():
            lines.append(f'vllm:request_success_total{{{labels},finished_reason="{reason}"}} {float(count)}')
        for name, histogram in self.histograms.items():
            lines += histogram.lines(f"vllm:{name}", labels)
        return "\n".join([*lines, ""]).encode()

    def _counters(self, model: Model) -> dict[str, int]:
        return {
            "prefix_cache_queries": model.counters.prefix_queries,
            "prefix_cache_hits": model.counters.prefix_hits,
            "num_preemptions": model.counters.preemptions,
            "prompt_tokens": self.prompt_tokens,
            "generation_tokens": self.generation_tokens,
        }


def _gauges(model: Model) -> dict[str, float]:
    return {
        "num_requests_running": model.running,
        "num_requests_waiting": model.waiting,
        "kv_cache_usage_perc": model.kv_usage,
    }


def _state(labels: str, profile: Profile, sleep_level: int) -> list[str]:
    lines = ["# TYPE vllm:engine_sleep_state gauge"]
    for level, state in enumerate(SLEEP_STATES):
        lines.append(f'vllm:engine_sleep_state{{{labels},sleep_state="{state}"}} {float(level == sleep_level)}')
    config = {"block_size": profile.block_size, "enable_prefix_caching": True, "num_gpu_blocks": profile.num_blocks}
    info = ",".join(f'{name}="{value}"' for name, value in config.items())
    return [*lines, "# TYPE vllm:cache_config_info gauge", f"vllm:cache_config_info{{{labels},{info}}} 1.0"]


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
