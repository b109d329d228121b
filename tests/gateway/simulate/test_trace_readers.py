"""Traces from files: each format as it is published, and a message with file and line where it is not."""

import itertools
from pathlib import Path

import pytest

from gateway.config import ConfigError
from gateway.simulate.trace import Arrival, TraceError
from gateway.simulate.trace_readers import read_trace
from tests.gateway.simulate.world import TRACES


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_mooncake(tmp_path: Path) -> None:
    text = (
        '{"timestamp": 3000, "input_length": 700, "output_length": 5, "hash_ids": [1, 2]}\n'
        '{"timestamp": 1500, "input_length": 9, "output_length": 0, "hash_ids": [3], "more": 1}\n\n'
    )
    trace = read_trace(written(tmp_path, "t.jsonl", text), 0)
    assert list(trace.arrivals) == [Arrival(0.0, 9, 0, (3,)), Arrival(1.5, 700, 5, (1, 2))]
    assert (trace.block, trace.name) == (512, "t.jsonl")


def test_azure(tmp_path: Path) -> None:
    text = (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:47.1805900,9,1\n"
    )
    trace = read_trace(written(tmp_path, "t.csv", text), 0)
    assert [(each.prompt_tokens, each.output_tokens, each.blocks) for each in trace.arrivals] == [
        (374, 44, ()),
        (9, 1, ()),
    ]
    assert trace.arrivals[1].at == pytest.approx(0.5)


def test_a_faster_pace_brings_requests_closer(tmp_path: Path) -> None:
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n2023-11-16 18:15:56,1,1\n"
    trace = read_trace(written(tmp_path, "t.csv", text), 0)
    assert trace.paced(2.0).arrivals[1].at == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("t.txt", "", "the name of a trace must end in .jsonl, .csv, .yaml, .yml"),
        ("t.jsonl", "", "it has no requests"),
        ("t.jsonl", '{"timestamp": 0}\n', "t.jsonl:1: Object missing required field `input_length`"),
        ("t.jsonl", '{"timestamp": 0, "input_length": 5, "output_length": 1, "hash_ids": []}\nnot json', "t.jsonl:2: "),
        ("t.csv", "a,b\n1,2\n", "t.csv:1: expected the columns TIMESTAMP, ContextTokens, GeneratedTokens"),
        ("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,x,1\n", "t.csv:2: invalid literal"),
        (
            "t.csv",
            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,0,1\n",
            "needs at least one prompt token",
        ),
        ("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,5\n", "t.csv:2: "),
    ],
)
def test_what_is_no_trace_is_told_with_its_place(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(TraceError, match=said.replace(".", r"\.")):
        read_trace(written(tmp_path, name, text), 0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        read_trace(tmp_path / "t.jsonl", 0)


SPEC = """
lasts: 60s
rate: 20
block: 16
groups:
  - {name: docs, share: 3, prefixes: 2, prefix_tokens: 160, prompt_tokens: 100, output_tokens: 20}
  - {name: chat, prompt_tokens: 50}
bursts: [{at: 20s, lasts: 10s, times: 3}]
slow: [{replica: 1, times: 3, at: 10s}]
outages: [{replica: 0, at: 30s, lasts: 5s}]
cloud: {ttft: 300ms, rpm: 60}
"""


def test_a_spec_draws_the_same_for_the_same_seed(tmp_path: Path) -> None:
    path = written(tmp_path, "t.yaml", SPEC)
    first, again, other = (read_trace(path, seed) for seed in (1, 1, 2))
    assert first.arrivals == again.arrivals
    assert first.arrivals != other.arrivals
    assert (first.block, first.slow[0].times, first.outages[0].at) == (16, 3.0, 30.0)
    assert first.cloud is not None
    assert first.cloud.ttft == 0.3


def test_a_spec_says_who_comes_when_and_with_what(tmp_path: Path) -> None:
    arrivals = read_trace(written(tmp_path, "t.yaml", SPEC), 1).arrivals
    burst = sum(20 <= each.at < 30 for each in arrivals)
    assert len(arrivals) == pytest.approx(20 * 60 + 2 * 20 * 10, rel=0.15)
    assert burst == pytest.approx(600, rel=0.2)
    docs = [each for each in arrivals if each.group == "docs"]
    assert len(docs) == pytest.approx(0.75 * len(arrivals), rel=0.1)
    assert len({each.blocks[:10] for each in docs}) == 2
    assert len({each.blocks for each in docs}) == len(docs)
    assert all(len(each.blocks) == -(-each.prompt_tokens // 16) for each in arrivals)


def test_each_turn_of_a_conversation_begins_as_the_turn_before(tmp_path: Path) -> None:
    talks = "{name: talk, prefix_tokens: 40, prompt_tokens: 50, output_tokens: 30, conversations: 5, turns: 4}"
    text = f"lasts: 60s\nrate: 20\nblock: 16\ngroups: [{talks}]\n"
    arrivals = read_trace(written(tmp_path, "t.yaml", text), 1).arrivals
    by_talk: dict[int, list[Arrival]] = {}
    for each in arrivals:
        assert len(each.blocks) == -(-each.prompt_tokens // 16)
        by_talk.setdefault(each.conversation, []).append(each)
    assert 0 not in by_talk
    assert [len(turns) for turns in by_talk.values()].count(4) >= len(by_talk) - 5
    assert max(sum(turns[0].at <= now <= turns[-1].at for turns in by_talk.values()) for now in range(60)) <= 5
    for turns in by_talk.values():
        for before, after in itertools.pairwise(turns):
            assert after.prompt_tokens > before.prompt_tokens + before.output_tokens
            whole = before.prompt_tokens // 16
            assert after.blocks[:whole] == before.blocks[:whole]
            assert not set(after.blocks[whole:]) & set(before.blocks)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SPEC.replace("rate: 20", "rat: 20"), r"t.yaml:3: rat: unknown key; did you mean .rate."),
        (SPEC.replace("lasts: 60s", "lasts: 60"), r"t.yaml:2: lasts: .*write it like 5s"),
        ("lasts: 60s\nrate: 1\ngroups: []\n", "t.yaml:3: groups: at least one group is needed"),
        ("", "the file is empty"),
    ],
)
def test_a_spec_with_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_trace(written(tmp_path, "t.yaml", text), 0)


@pytest.mark.skipif(not TRACES.exists(), reason="the public traces are not here")
@pytest.mark.parametrize(
    ("name", "count"), [("conversation_trace.jsonl", 12_031), ("azure2023_code.csv", 8_819)], ids=["mooncake", "azure"]
)
def test_the_public_traces_are_read_whole(name: str, count: int) -> None:
    arrivals = read_trace(TRACES / name, 0).arrivals
    assert len(arrivals) == count
    assert arrivals[0].at == 0
    assert all(a.at <= b.at for a, b in itertools.pairwise(arrivals))
