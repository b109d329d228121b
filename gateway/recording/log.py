"""The log: one JSON line per event, written by its own thread. A slow or broken sink stops no request."""

import logging
import sys
import threading
from collections import deque
from typing import IO

import msgspec

from gateway import clock
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Cause
from policies.vocabulary.types import AttemptCost

LEVELS = ("debug", "info", "warning", "error", "off")
QUEUE = 65_536  # lines; more than that are dropped and counted
FLUSH = 0.2  # seconds between writes


class RequestLine(msgspec.Struct, omit_defaults=True):
    """The one event of a request; what says nothing is left out.

    event: `request`.
    time: When it ended, seconds since the epoch.
    id: The answer's x-request-id.
    family: Endpoint family: chat, completions, embeddings, ...
    model: The model that was asked for.
    status: What the client was answered; 499: it left.
    ms: From its arrival to the end of its answer, in milliseconds.
    key: Name of the client's key.
    deployment: Where it was answered, or tried last.
    endpoint: The address there.
    attempts: How many there were.
    tried: Deployments of the attempts that did not bring the answer.
    stream: Whether a streamed answer was asked for.
    ttft_ms: Of a stream, the time to its first content, in milliseconds.
    prompt_tokens: Tokens of the prompt.
    completion_tokens: Tokens of the answer.
    cached_tokens: Of the prompt's, those that the provider's cache held.
    usage: Who counted them: upstream, estimated, none.
    route: The configured route that took it.
    mirror: It is a copy that nobody waited for.
    failure: The name of the failure.
    message: What failed, where it is not the client's own doing.
    recovered: The mode by which a broken stream went on.
    hedged: What became of a second attempt beside the first: won, lost.
    queued_ms: Time in line for a place, in milliseconds.
    spent: Each attempt's own tokens and cost, where the answer's are not all.
    """

    event: str
    time: float
    id: str
    family: str
    model: str
    status: int
    ms: float
    key: str = ""
    deployment: str = ""
    endpoint: str = ""
    attempts: int = 0
    tried: tuple[str, ...] = ()
    stream: bool = False
    ttft_ms: float | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    usage: str = "none"
    route: str = ""
    mirror: bool = False
    failure: str | None = None
    message: str | None = None
    recovered: str = ""
    hedged: str = ""
    queued_ms: float | None = None
    spent: tuple[AttemptCost, ...] = ()


class EventLine(msgspec.Struct, omit_defaults=True):
    """Anything else worth a line.

    time: Seconds since the epoch.
    level: error, warning, info or debug.
    event: What it is about: config, reload, endpoint, ledger, otlp, defect, ...
    message: For people.
    """

    time: float
    level: str
    event: str
    message: str


class Bridge(logging.Handler):
    """What libraries log, as lines of ours."""

    def __init__(self, log: "Log") -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._log.event(level, record.name, self.format(record))


class Log:
    """Collects lines; a daemon thread encodes and writes them."""

    def __init__(self, level: str, sink: IO[str] = sys.stderr) -> None:
        self._lines: deque[EventLine | tuple[float, Outcome]] = deque(maxlen=QUEUE)
        self._sink = sink
        self._stop = threading.Event()
        self.dropped = 0
        self.set_level(level)
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def set_level(self, level: str) -> None:
        self._rank = LEVELS.index(level)
        self.info = self._rank <= LEVELS.index("info")

    def request(self, outcome: Outcome) -> None:
        self._append((clock.wall(), outcome))

    def event(self, level: str, event: str, message: str) -> None:
        if LEVELS.index(level) >= self._rank:
            text = message.encode(errors="replace").decode()  # it may quote a file's name, which need not be text
            self._append(EventLine(clock.wall(), level, event, text))

    def _append(self, line: EventLine | tuple[float, Outcome]) -> None:
        if len(self._lines) == QUEUE:
            self.dropped += 1
        self._lines.append(line)

    def _write(self) -> None:
        while not self._stop.wait(FLUSH):
            self.flush()

    def flush(self) -> None:
        """Write what is waiting. A sink that fails loses the lines, not the gateway."""
        text = []
        while self._lines:
            line = self._lines.popleft()
            struct = request_line(*line) if isinstance(line, tuple) else line
            text.append(msgspec.json.encode(struct).decode())
        if not text:
            return
        try:
            self._sink.write("\n".join(text) + "\n")
            self._sink.flush()
        except (OSError, ValueError):
            self.dropped += len(text)

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)
        self.flush()


def request_line(time: float, outcome: Outcome) -> RequestLine:
    """The line of one outcome: names, counts and times; never a prompt, an answer or a credential."""
    fault = outcome.fault
    first = outcome.first_token - outcome.received
    return RequestLine(
        event="request",
        time=time,
        id=outcome.id.decode("latin-1"),
        family=outcome.family,
        model=outcome.model,
        status=outcome.status,
        ms=round((outcome.finished - outcome.received) * 1000, 3),
        key=outcome.key,
        deployment=outcome.deployment,
        endpoint=outcome.endpoint,
        attempts=outcome.attempts,
        tried=outcome.tried,
        stream=outcome.stream,
        ttft_ms=round(first * 1000, 3) if outcome.first_token and outcome.stream else None,
        prompt_tokens=outcome.usage.prompt,
        completion_tokens=outcome.usage.completion,
        cached_tokens=outcome.usage.cached,
        usage=outcome.usage.source,
        route=outcome.route,
        mirror=outcome.mirror,
        failure=fault.failure.name if fault else None,
        # a client's own may quote a prompt
        message=fault.message if fault and fault.failure.caused_by is not Cause.CLIENT else None,
        recovered=outcome.recovered,
        hedged=outcome.hedged,
        queued_ms=round(outcome.queued * 1000, 3) if outcome.queued else None,
        spent=outcome.spent,
    )
