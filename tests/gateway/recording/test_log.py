"""The log. Rule: one JSON line an event; a sink that is broken costs lines, never a request."""

import io
import logging
from typing import NoReturn

import msgspec

from gateway.recording.log import Bridge, Log
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Usage
from tests.outcome import filled


class Broken(io.StringIO):
    def write(self, text: str) -> NoReturn:
        raise OSError("no space left")


def outcome(fault: Fault | None = None) -> Outcome:
    return filled(
        b"req_1", "chat", 10.0, model="m", key="team", stream=True, deployment="d", attempts=2, status=200, fault=fault,
        usage=Usage(7, 3, 2, "upstream"), first_token=10.25, finished=11.0,
        tries=(AttemptRecord("first", "e", 10.0, 10.1, "overloaded", "first", ""),),
    )  # fmt: skip


def written(log: Log, sink: io.StringIO) -> list[dict[str, object]]:
    log.close()
    return [msgspec.json.decode(line) for line in sink.getvalue().splitlines()]


def test_a_request_is_one_line_with_its_names_counts_and_times() -> None:
    sink = io.StringIO()
    log = Log("info", sink)
    log.request(outcome())
    (line,) = written(log, sink)
    assert isinstance(line.pop("time"), float)
    assert line == {
        "event": "request", "id": "req_1", "family": "chat", "model": "m", "status": 200, "ms": 1000.0, "key": "team",
        "deployment": "d", "attempts": 2, "tried": ["first"], "stream": True, "ttft_ms": 250.0,
        "prompt_tokens": 7, "completion_tokens": 3, "cached_tokens": 2, "usage": "upstream",
    }  # fmt: skip


def test_what_failed_is_named_and_a_clients_own_words_are_not_repeated() -> None:
    sink = io.StringIO()
    log = Log("info", sink)
    log.request(outcome(Fault(Failure.BROKEN_STREAM, "cut off")))
    log.request(outcome(Fault(Failure.BAD_REQUEST, "invalid: my secret prompt")))
    upstream, client = written(log, sink)
    assert (upstream["failure"], upstream["message"]) == ("BROKEN_STREAM", "cut off")
    assert client["failure"] == "BAD_REQUEST" and "message" not in client


def test_a_message_that_is_no_text_is_written_as_far_as_it_is() -> None:
    """Seen of a file whose name is not UTF-8: the log's thread died of it, and with it the log."""
    sink = io.StringIO()
    log = Log("info", sink)
    log.event("error", "reload", "caf\udce9.yaml: no such file")
    log.event("info", "reload", "later")
    assert [line["message"] for line in written(log, sink)] == ["caf?.yaml: no such file", "later"]


def test_lines_below_the_level_are_not_written() -> None:
    sink = io.StringIO()
    log = Log("error", sink)
    log.event("warning", "endpoint", "is out")
    log.event("error", "reload", "bad file")
    assert [line["event"] for line in written(log, sink)] == ["reload"]


def test_a_level_can_change_while_it_runs() -> None:
    sink = io.StringIO()
    log = Log("off", sink)
    log.event("error", "one", "")
    log.set_level("info")
    log.event("info", "two", "")
    assert [line["event"] for line in written(log, sink)] == ["two"]


def test_a_broken_sink_costs_lines_and_counts_them() -> None:
    log = Log("info", Broken())
    log.event("info", "one", "")
    log.event("info", "two", "")
    log.close()
    assert log.dropped == 2


def test_what_libraries_log_is_a_line_of_ours() -> None:
    sink = io.StringIO()
    log = Log("info", sink)
    bridge = Bridge(log)
    record = logging.LogRecord("some.library", logging.WARNING, "", 0, "odd %s", ("thing",), None)
    bridge.handle(record)
    (line,) = written(log, sink)
    assert (line["level"], line["event"], line["message"]) == ("warning", "some.library", "odd thing")
