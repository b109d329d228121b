"""The runner. Rule: one run, one mock, rounds that go through all subjects in turn; only such figures are compared.

python -m bench.run                                    # all that is installed, a quarter of an hour
python -m bench.run --only floor,cloverleaf --quick    # under a minute
python -m bench.run --only cloverleaf --soak 10        # the slope of its memory
python -m bench.run --only floor,cloverleaf,compiled --against ../before --rounds 8   # in turn with another checkout
"""

import argparse
import contextlib
import datetime
import os
import platform
import resource
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import measure, report
from bench.measure import QUICK, FaultyRun, Seat, Settings
from bench.process import Process, free_port, python
from bench.report import Report, SubjectReport
from bench.soak import SETTLING, soak
from bench.subjects import SUBJECTS, Subject, earlier, place


class Stage:
    """What is running: the mock, the subjects that could be started, and a place for each one's figures."""

    def __init__(self, stack: contextlib.ExitStack, progress: Progress) -> None:
        self.stack = stack
        self.progress = progress
        self.task = progress.add_task("starting", total=None)
        self.logs = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        port = free_port()
        command = python("bench.mock", "--port", str(port))
        self.upstream = port
        stack.enter_context(Process(command, {}, f"http://127.0.0.1:{port}/health", self.logs / "mock.log"))
        self.seats = [Seat("direct", f"http://127.0.0.1:{port}", [])]
        self.reports = {"direct": SubjectReport("direct")}

    def tell(self, text: str) -> None:
        self.progress.console.print(text, highlight=False)

    def start(self, subject: Subject) -> None:
        self.progress.update(self.task, description=f"starting {subject.name}")
        self.reports[subject.name] = mine = SubjectReport(subject.name)
        if subject.missing():
            mine.state = "not installed"
            return
        spot = place(self.upstream, self.logs)
        ready = f"http://127.0.0.1:{spot.admin if subject.ready_on_admin else spot.port}{subject.ready}"
        process = Process(subject.command(spot), subject.environment(spot), ready, self.logs / f"{subject.name}.log")
        try:
            self.stack.enter_context(process)
        except (ChildProcessError, FileNotFoundError) as error:
            mine.state = f"does not start: {error}"
            self.tell(f"{subject.name} {mine.state}")
            return
        mine.start_seconds = process.start_seconds
        mine.rss_idle_mib = process.rss_mib()
        self.seats.append(Seat.of(subject, spot, process))

    @contextlib.contextmanager
    def step(self, seat: Seat, what: str) -> Iterator[SubjectReport]:
        """One measure of one subject; a fault ends that subject's part of the run, and is its result."""
        self.progress.update(self.task, description=f"{seat.name}: {what}")
        try:
            yield self.reports[seat.name]
        except FaultyRun as fault:
            self.reports[seat.name].state = f"failed: {fault}"
            self.tell(f"{seat.name} failed: {fault}")
            self.seats.remove(seat)
        self.progress.advance(self.task)

    def measure(self, settings: Settings) -> None:
        for seat in list(self.seats):
            with self.step(seat, "check"):
                measure.check(seat)
        for number in range(settings.rounds):
            for seat in list(self.seats):
                with self.step(seat, f"round {number + 1} of {settings.rounds}") as mine:
                    mine.rounds.append(one_round(seat, settings))
        for seat in list(self.seats):
            with self.step(seat, "long prompts") as mine:
                mine.prompts = measure.prompt_costs(seat, settings) if seat.process else {}
        for seat in list(self.seats):
            with self.step(seat, "1,000 streams") as mine:
                mine.sustained = measure.sustained(seat, settings)
                mine.rss_after_mib = seat.process.rss_mib() if seat.process else None


def one_round(seat: Seat, settings: Settings) -> dict[str, float]:
    figures = measure.request_cost(seat, settings) if seat.process else {"request_us": 0.0}
    figures |= measure.chunk_cost(seat, settings)
    return figures | measure.fixed_rates(seat, settings, figures["request_us"])


def machine() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    return {
        "CPU": model,
        "cores": str(os.cpu_count()),
        "Linux": platform.release(),
        "Python": platform.python_version(),
        "load when started": f"{os.getloadavg()[0]:.1f}",
    }


def arguments() -> argparse.Namespace:
    names = ",".join(subject.name for subject in SUBJECTS)
    parser = argparse.ArgumentParser(description="measure gateways against the floor, in one run")
    parser.add_argument("--only", default=names, help=f"some of {names}")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="measure that one in turn, too")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true", help="short runs: a look, not a figure to quote")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="instead: the slope of each subject's memory")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if options.soak is not None and options.soak * 60 < SETTLING + 60:
        parser.error(f"a soak needs a minute after its first {SETTLING / 60:g}, which do not count")
    if unknown := set(options.only) - {subject.name for subject in SUBJECTS}:
        parser.error(f"no such subject: {', '.join(sorted(unknown))}")
    return options


def run(options: argparse.Namespace, stage: Stage, settings: Settings) -> tuple[str, bytes]:
    """What to print, and what to keep."""
    described = machine()
    chosen = [subject for subject in SUBJECTS if subject.name in options.only]
    for subject in [*chosen, *(earlier(options.against.resolve()) if options.against else ())]:
        stage.start(subject)
    if options.soak:
        soaks = [soak(seat, options.soak, stage.tell) for seat in stage.seats if seat.process]
        content = msgspec.json.encode(soaks)
        return msgspec.json.format(content).decode(), content
    stage.progress.update(stage.task, total=len(stage.seats) * (settings.rounds + 3))
    stage.measure(settings)
    when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    whole = Report(when, described, settings, list(stage.reports.values()))
    return report.markdown(whole), msgspec.json.format(msgspec.json.encode(whole))


def main() -> None:
    options = arguments()
    settings = QUICK if options.quick else Settings()
    if options.rounds:
        settings = msgspec.structs.replace(settings, rounds=options.rounds)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # 1,000 streams are 2,000 sockets in a gateway
    for number in (signal.SIGINT, signal.SIGTERM):  # exit unwinds, so that every process started is ended
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    columns = (TextColumn("{task.description:32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, contextlib.ExitStack() as stack:
        try:
            text, content = run(options, Stage(stack, progress), settings)
        except FaultyRun as fault:
            sys.exit(str(fault))
    print(text)
    if options.json:
        options.json.write_bytes(content)


if __name__ == "__main__":
    main()
