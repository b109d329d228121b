"""vLLM's metrics, over its versions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.vllm.metrics import KV_USAGE, PREFIX_HITS, PREFIX_QUERIES, RUNNING, SLEEP_STATE, WAITING, parse
from policies.vocabulary.engine_state import EngineLoad

NEW = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="a/b"} 3.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="a/b"} 2.0
vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 99.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{engine="0",model_name="a/b"} 0.25
vllm:prefix_cache_queries_total{engine="0",model_name="a/b"} 1000.0
vllm:prefix_cache_queries_created{engine="0",model_name="a/b"} 1.7e+09
vllm:prefix_cache_hits_total{engine="0",model_name="a/b"} 4.0e+02
vllm:engine_sleep_state{engine="0",sleep_state="awake"} 1.0
vllm:engine_sleep_state{engine="0",sleep_state="weights_offloaded"} 0.0
"""
OLD = """vllm:num_requests_running{model_name="m"} 1.0
vllm:num_requests_waiting{model_name="m"} 0.0
vllm:gpu_cache_usage_perc{model_name="m"} 0.5
vllm:gpu_prefix_cache_queries{model_name="m"} 10.0
vllm:gpu_prefix_cache_hits{model_name="m"} 5.0
"""


def test_new_names_are_read() -> None:
    assert parse(NEW) == EngineLoad(3.0, 2.0, 0.25, 1000.0, 400.0, False)


def test_what_the_cache_holds_is_read_off_its_labels() -> None:
    info = (
        'vllm:cache_config_info{block_size="16",engine="0",enable_prefix_caching="True",num_gpu_blocks="25000"} 1.0\n'
    )
    assert parse(info).kv_tokens == 400_000
    assert parse(info + info.replace('engine="0"', 'engine="1"')).kv_tokens == 800_000
    assert parse('vllm:cache_config_info{block_size="16",num_gpu_blocks="None"} 1.0').kv_tokens is None


def test_old_names_are_read() -> None:
    assert parse(OLD) == EngineLoad(1.0, 0.0, 0.5, 10.0, 5.0, None)


def test_where_both_names_are_there_the_new_one_counts() -> None:
    assert parse('vllm:gpu_cache_usage_perc{m="a"} 0.9\nvllm:kv_cache_usage_perc{m="a"} 0.1\n').kv_usage == 0.1


def test_engines_of_one_server_are_added_up_and_the_fullest_cache_counts() -> None:
    text = NEW + NEW.replace('engine="0"', 'engine="1"').replace("0.25", "0.75")
    assert parse(text) == EngineLoad(6.0, 4.0, 0.75, 2000.0, 800.0, False)


def test_what_is_absent_is_unknown() -> None:
    assert parse("") == EngineLoad()
    assert parse("vllm:num_requests_running 4\n") == EngineLoad(running=4.0)


def test_nought_is_nought() -> None:
    assert parse("vllm:num_requests_waiting 0\n").waiting == 0.0


@pytest.mark.parametrize(
    "line",
    [
        "vllm:num_requests_running NaN",
        "vllm:num_requests_running +Inf",
        "vllm:num_requests_running",
        "vllm:num_requests_running{",
        "vllm:num_requests_running{} ",
        "vllm:num_requests_running{} many",
        "vllm:num_requests_running_total 7",
        "xvllm:num_requests_running 7",
        " vllm:num_requests_running 7",
        "# vllm:num_requests_running 7",
    ],
)
def test_what_cannot_be_read_is_unknown(line: str) -> None:
    assert parse(line) == parse(line + "\n") == parse("# a comment\n" + line) == EngineLoad()


@pytest.mark.parametrize(
    "line",
    [
        "vllm:num_requests_running 7",
        "vllm:num_requests_running\t7.0",
        "vllm:num_requests_running{} 7 1700000000000",
        'vllm:num_requests_running{model_name="a}b {c"} 7',
        'vllm:num_requests_running{model_name="say \\"hi\\" 8"} 7',
    ],
)
@pytest.mark.parametrize("before", ["", "# TYPE x gauge\n"])
@pytest.mark.parametrize("after", ["", "\n", "\r\n", "\n# EOF\n"])
def test_a_sample_is_read_at_either_end_of_the_text_with_any_labels(line: str, before: str, after: str) -> None:
    assert parse(before + line + after).running == 7.0


@pytest.mark.parametrize(("awake", "sleeping"), [("1.0", False), ("0.0", True)])
def test_the_sleep_state_is_read(awake: str, sleeping: bool) -> None:
    assert parse(f'vllm:engine_sleep_state{{sleep_state="awake"}} {awake}\n').sleeping is sleeping


NAMES = [*RUNNING, *WAITING, *KV_USAGE, *PREFIX_QUERIES, *PREFIX_HITS, *SLEEP_STATE]
pieces = st.sampled_from(
    [*NAMES, "{", "}", ' sleep_state="awake"', " ", "\n", "NaN", "1e999", "-3", "1.5", "\r", "\0", "é"]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(pieces, st.text(max_size=5)), max_size=40).map("".join))
def test_no_text_raises_and_no_figure_is_unreal(text: str) -> None:
    load = parse(text)
    for figure in (load.running, load.waiting, load.kv_usage, load.prefix_queries, load.prefix_hits):
        assert figure is None or abs(figure) < float("inf")
