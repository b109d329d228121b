"""Prometheus text under vLLM's names."""

import re

from backends.engine.metrics import Histogram, Metrics
from backends.engine.profile import Profile
from backends.engine.replica import Replica


def test_buckets_are_cumulative_and_a_bound_belongs_to_its_bucket() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    assert histogram.lines("h", 'a="b"') == [
        "# TYPE h histogram",
        'h_bucket{a="b",le="1.0"} 2.0',
        'h_bucket{a="b",le="2.0"} 3.0',
        'h_bucket{a="b",le="+Inf"} 4.0',
        'h_count{a="b"} 4.0',
        'h_sum{a="b"} 12.0',
    ]


def test_every_line_is_a_type_or_a_sample_labelled_with_the_model() -> None:
    text = Metrics().render('we"ird\\model', Replica(Profile()), Profile(), 0).decode()
    sample = re.compile(r'vllm:\w+\{engine="0",model_name="we\\"ird\\\\model"[^}]*\} [0-9.]+')
    for line in text.splitlines():
        assert re.fullmatch(r"# TYPE vllm:\w+ (gauge|counter|histogram)", line) or sample.fullmatch(line), line


def test_the_families_that_routers_read_are_there() -> None:
    text = Metrics().render("m", Replica(Profile()), Profile(), 0).decode()
    for name in (
        "num_requests_running",
        "num_requests_waiting",
        "kv_cache_usage_perc",
        "prefix_cache_queries_total",
        "prefix_cache_hits_total",
        "prompt_tokens_total",
        "generation_tokens_total",
        "request_success_total",
        "num_preemptions_total",
        "cache_config_info",
        "engine_sleep_state",
        "time_to_first_token_seconds_bucket",
        "inter_token_latency_seconds_bucket",
        "e2e_request_latency_seconds_bucket",
        "request_queue_time_seconds_bucket",
    ):
        assert f"vllm:{name}{{" in text
