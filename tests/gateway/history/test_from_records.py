"""Another gateway's records are read as they are exported; what is wrong is one line that says where."""

from pathlib import Path

import msgspec
import pytest

from gateway.history.from_records import columns, foreign
from gateway.simulate.trace import TraceError

HEADER = (
    "request_id,call_type,api_key,spend,total_tokens,prompt_tokens,completion_tokens,startTime,endTime,"
    "completionStartTime,model,model_group,cache_hit,status\n"
)
FIRST = (
    "a,acompletion,hash-1,0.002,1500,1000,500,2026-11-20 10:00:00.000,2026-11-20 10:00:06.500,"
    "2026-11-20 10:00:00.500,gpt-4o-mini,mini,False,success\n"
)
WHOLE = FIRST.replace("10:00:00.500", "10:00:06.500").replace("a,a", "b,a", 1)
EMBEDDING = FIRST.replace("acompletion", "aembedding")
CACHED = FIRST.replace("False", "True")
FAILED = FIRST.replace("success", "failure").replace("1500,1000,500", "0,0,0")


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_spend_logs_as_csv(tmp_path: Path) -> None:
    found = foreign(written(tmp_path / "logs.csv", HEADER + FIRST + WHOLE + EMBEDDING + CACHED + FAILED))
    one, other = found.requests
    assert (one.prompt, one.output, one.model, one.key, one.usd) == (1000, 500, "gpt-4o-mini", "hash-1", 0.002)
    assert (one.first, one.seconds, other.first) == (pytest.approx(0.5), pytest.approx(6.5), None)
    assert found.left_out == {"aembedding calls": 1, "answers from the gateway's own cache": 1, "failed requests": 1}
    assert found.seconds == 0.0


def test_spend_logs_as_json_lines_with_other_times(tmp_path: Path) -> None:
    row = {"startTime": "2025-11-20T10:00:00Z", "endTime": 1763632806500, "prompt_tokens": 10, "completion_tokens": 5}
    later = {**row, "startTime": "2025-11-20T11:00:01+01:00", "metadata": {"deep": [1]}}
    lines = b"\n".join(map(msgspec.json.encode, (later, row)))
    found = foreign(written(tmp_path / "logs.jsonl", lines.decode()))
    assert found.seconds == 1.0 and found.requests[0].at == 1763632800.0
    assert [lack for lack in found.lacks if "first token" in lack] and [lack for lack in found.lacks if "cost" in lack]


def test_spend_logs_as_the_api_answers_them(tmp_path: Path) -> None:
    row = {"startTime": "2025-11-20T10:00:00Z", "prompt_tokens": 10, "completion_tokens": 5, "spend": 0.25}
    found = foreign(written(tmp_path / "logs.json", msgspec.json.encode([row, row]).decode()))
    assert [each.usd for each in found.requests] == [0.25, 0.25]


def test_any_table_by_a_map_of_its_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "when,tin,tout,ttft,usd\n1763632800,10,5,0.25,0.5\n1763632801.5,20,6,,\n")
    found = foreign(path, columns("time=when, prompt=tin,output=tout,first=ttft,cost=usd"))
    assert [(each.prompt, each.first, each.usd) for each in found.requests] == [(10, 0.25, 0.5), (20, None, None)]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "l.csv",
            HEADER + FIRST + FIRST.replace("1000,500", "many,500"),
            "l.csv:3: prompt_tokens: 'many' is not a number",
        ),
        (
            "l.csv",
            HEADER + FIRST.replace("1000,500", "1000,-5"),
            "l.csv:2: completion_tokens: '-5' is not a number of tokens",
        ),
        (
            "l.csv",
            HEADER + FIRST.replace("2026-11-20 10:00:00.000", "yesterday"),
            "l.csv:2: startTime: 'yesterday' is not",
        ),
        ("l.csv", HEADER + FIRST.replace("1000,500", "inf,500"), "l.csv:2: prompt_tokens: 'inf' is not a number"),
        ("l.csv", HEADER + FIRST.replace("1000,500", "1000,nan"), "l.csv:2: completion_tokens: 'nan' is not a number"),
        ("l.csv", HEADER + FIRST.replace("10:00:06.500", "09:00:00"), "endTime: the request ends before it begins"),
        ("l.csv", "startTime,prompt_tokens,completion_token\n1,2,3\n", 'a column "completion_tokens"; did you mean'),
        ("l.csv", "a,b\n1,2\n", "for other tables use --columns"),
        ("l.csv", HEADER, "l.csv: it has no requests"),
        ("l.csv", HEADER + EMBEDDING, "it has no requests but 1 aembedding calls"),
        ("l.jsonl", '{"startTime": 1\n', "l.jsonl:1: not a JSON object"),
        ("l.json", "{}", "l.json: not a JSON list of objects"),
        ("l.json", '[{"startTime": "", "prompt_tokens": 1, "completion_tokens": 1}]', "l.json:1: startTime: is empty"),
        ("l.jsonl", "[1]\n", "l.jsonl:1: not a JSON object"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(TraceError) as problem:
        foreign(written(tmp_path / name, text))
    assert said in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("time=a,prompt=b", "output missing"), ("tme=a,prompt=b,output=c", "did you mean"), ("time", "NAME=COLUMN")],
)
def test_a_map_that_maps_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="--columns") as problem:
        columns(text)
    assert said in str(problem.value)
