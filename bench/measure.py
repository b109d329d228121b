"""The measures. Rule: each runs the load once against one subject, and a run with a fault gives no figure."""

import subprocess

import msgspec

from bench.load import Result
from bench.process import ROOT, Process, python
from bench.subjects import Place, Subject

PROMPTS = {"1k": 4_000, "10k": 40_000, "100k": 400_000}  # tokens: bytes, at four bytes a token
BUSY = 0.7  # of a core: above it a fixed rate measures a queue, not a gateway


class Settings(msgspec.Struct, frozen=True):
    rounds: int = 5
    closed_seconds: float = 3
    stream_repeats: int = 3
    rates: tuple[int, ...] = (25, 500, 2000)
    rate_seconds: float = 4
    prompt_seconds: float = 2
    sustained_chunks: int = 100


QUICK = Settings(
    rounds=2,
    closed_seconds=1.2,
    stream_repeats=2,
    rates=(2000,),
    rate_seconds=1,
    prompt_seconds=0.4,
    sustained_chunks=20,
)


class FaultyRun(Exception):
    """A load run saw faults, so its figures are worth nothing."""


class Seat(msgspec.Struct, frozen=True):
    """A subject, started. Without a process it is the mock itself, the direct way."""

    name: str
    url: str
    headers: list[str]
    process: Process | None = None

    @classmethod
    def of(cls, subject: Subject, place: Place, process: Process) -> "Seat":
        return cls(subject.name, f"http://127.0.0.1:{place.port}", subject.headers(place), process)

    def load(self, pattern: str, **options: float) -> Result:
        """Runs the load generator and raises FaultyRun unless each reply was right."""
        result = self.load_and_look(pattern, **options)
        if result.faults or not result.requests:
            raise FaultyRun(f"{pattern} {options}: {result.faults or 'no request'}")
        return result

    def load_and_look(self, pattern: str, **options: float) -> Result:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        flags += [f"--header={header}" for header in self.headers]
        command = python("bench.load", pattern, self.url, *flags)
        run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
        return msgspec.json.decode(run.stdout, type=Result)

    def cpu(self) -> float:
        return self.process.cpu() if self.process else 0.0


def check(seat: Seat) -> None:
    """One request of each kind through the subject, and a little warmth, before anything counts."""
    seat.load("streams", connections=2, chunks=10, interval_ms=5)
    seat.load("closed", connections=8, seconds=0.3)


def request_cost(seat: Seat, settings: Settings) -> dict[str, float]:
    before = seat.cpu()
    result = seat.load("closed", connections=32, seconds=settings.closed_seconds)
    spent = seat.cpu() - before
    return {"request_us": spent / result.requests * 1e6, "requests_per_s": result.requests / result.seconds}


def chunk_cost(seat: Seat, settings: Settings) -> dict[str, float]:
    before = seat.cpu()
    result = seat.load("streams", connections=100, chunks=50, interval_ms=20, repeats=settings.stream_repeats)
    assert result.first and result.delay
    return {
        "chunk_us": (seat.cpu() - before) / result.chunks * 1e6,
        "first_chunk_ms": result.first.p50,
        "chunk_delay_p50_ms": result.delay.p50,
        "chunk_delay_p99_ms": result.delay.p99,
    }


def fixed_rates(seat: Seat, settings: Settings, request_us: float) -> dict[str, float]:
    """At each rate the subject can bear: latency, and CPU where requests come one by one and not in batches."""
    figures: dict[str, float] = {}
    for rate in settings.rates:
        if request_us * rate / 1e6 > BUSY:
            continue
        before = seat.cpu()
        result = seat.load("rate", rate=rate, seconds=settings.rate_seconds)
        assert result.latency
        figures[f"request_us_at_{rate}"] = (seat.cpu() - before) / result.requests * 1e6
        figures[f"latency_p50_ms_at_{rate}"] = result.latency.p50
        figures[f"latency_p99_ms_at_{rate}"] = result.latency.p99
    return figures


def prompt_costs(seat: Seat, settings: Settings) -> dict[str, float]:
    figures: dict[str, float] = {}
    sizes = []
    for name, size in PROMPTS.items():
        seat.load("closed", connections=8, seconds=0.2, prompt_bytes=size)
        before = seat.cpu()
        result = seat.load("closed", connections=8, seconds=settings.prompt_seconds, prompt_bytes=size)
        figures[f"prompt_{name}_us"] = (seat.cpu() - before) / result.requests * 1e6
        sizes.append(result.body_bytes)
    figures["prompt_ns_per_byte"] = (figures["prompt_100k_us"] - figures["prompt_1k_us"]) / (sizes[-1] - sizes[0]) * 1e3
    return figures


def sustained(seat: Seat, settings: Settings) -> Result:
    """1,000 streams at ten chunks a second; here faults are the finding, so they are returned."""
    return seat.load_and_look("streams", connections=1000, chunks=settings.sustained_chunks, interval_ms=100)
