"""The report. Rule: what was not measured is a dash or a reason, and a figure is the median of its rounds."""

import statistics

import msgspec

from bench.load import Result
from bench.measure import PROMPTS, Settings


class SubjectReport(msgspec.Struct):
    name: str
    state: str = "measured"  # or why not
    start_seconds: float | None = None
    rss_idle_mib: float | None = None
    rss_after_mib: float | None = None
    rounds: list[dict[str, float]] = []
    prompts: dict[str, float] = {}
    sustained: Result | None = None

    def median(self, measure: str) -> float | None:
        values = [each[measure] for each in self.rounds if measure in each]
        return statistics.median(values) if values else None

    def ratio(self, measure: str, base: "SubjectReport | None") -> float | None:
        """Each round against the same round of the base, so that the machine's drift cancels."""
        pairs = zip(self.rounds, base.rounds if base else [], strict=False)
        values = [mine[measure] / theirs[measure] for mine, theirs in pairs if measure in mine and measure in theirs]
        return statistics.median(values) if values else None

    def added(self, measure: str, direct: "SubjectReport | None") -> float | None:
        """What this way takes longer than the direct one in the same round; the whole when there is none to compare."""
        if direct is None:
            return self.median(measure)
        pairs = zip(self.rounds, direct.rounds, strict=False)
        values = [mine[measure] - theirs[measure] for mine, theirs in pairs if measure in mine and measure in theirs]
        return statistics.median(values) if values else None


class Report(msgspec.Struct):
    when: str
    machine: dict[str, str]
    settings: Settings
    subjects: list[SubjectReport]  # "direct" first

    def named(self, name: str) -> SubjectReport | None:
        return next((subject for subject in self.subjects if subject.name == name), None)


def figure(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def table(headings: list[str], rows: list[list[str]]) -> str:
    lines = [headings, ["---"] + ["--:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def costs(report: Report) -> str:
    floor, rate = report.named("floor"), max(report.settings.rates)
    measures = {
        "CPU µs/request, 32 connections": "request_us",
        f"CPU µs/request at {rate}/s": f"request_us_at_{rate}",
        "CPU µs/chunk": "chunk_us",
    }
    headings = ["gateway"]
    for heading in measures:
        headings += [heading, "x floor"]
    headings += ["start s", "RSS MiB idle", "after"]
    rows = []
    for each in report.subjects[1:]:
        row = [each.name]
        if each.state != "measured":
            row.append(each.state)
            rows.append(row + [""] * (len(headings) - len(row)))
            continue
        for measure in measures.values():
            row += [figure(each.median(measure), 1), figure(each.ratio(measure, floor), 2)]
        row += [figure(each.start_seconds, 2), figure(each.rss_idle_mib, 0), figure(each.rss_after_mib, 0)]
        rows.append(row)
    return table(headings, rows)


def latencies(report: Report) -> str:
    direct, rates = report.subjects[0], report.settings.rates
    headings = ["gateway", "first chunk", "chunk p99", *(f"p50 / p99 at {rate}/s" for rate in rates)]
    rows = []
    for each in report.subjects:
        if each.state != "measured":
            continue
        base = None if each is direct else direct
        cells = [each.name, *(figure(each.added(name, base), 2) for name in ("first_chunk_ms", "chunk_delay_p99_ms"))]
        for rate in rates:
            ends = [figure(each.added(f"latency_{end}_ms_at_{rate}", base), 2) for end in ("p50", "p99")]
            cells.append(" / ".join(ends))
        rows.append(cells)
    return table(headings, rows)


def prompts(report: Report) -> str:
    headings = ["gateway", *(f"{name} tokens, CPU µs/request" for name in PROMPTS), "CPU ns/byte"]
    rows = [
        [
            each.name,
            *(figure(each.prompts.get(f"prompt_{name}_us"), 0) for name in PROMPTS),
            figure(each.prompts.get("prompt_ns_per_byte"), 2),
        ]
        for each in report.subjects
        if each.prompts and each.state == "measured"
    ]
    return table(headings, rows)


def streams(report: Report) -> str:
    headings = ["gateway", "streams whole", "faults", "chunk delay p50 ms", "p99 ms", "worst ms"]
    rows = []
    for each in report.subjects:
        if result := each.sustained:
            faults = ", ".join(f"{name}: {count}" for name, count in result.faults.items()) or "none"
            delay = result.delay
            ends = [delay.p50, delay.p99, delay.worst] if delay else [None] * 3
            rows.append([each.name, f"{result.requests:,} of 1,000", faults, *(figure(end, 1) for end in ends)])
    return table(headings, rows)


def markdown(report: Report) -> str:
    machine = ", ".join(f"{key} {value}" for key, value in report.machine.items())
    return "\n\n".join(
        [
            f"{report.when}; {machine}; {report.settings.rounds} rounds, medians.",
            costs(report),
            "Milliseconds; direct is the mock without a gateway, the others are what they add to it:",
            latencies(report),
            "Long prompts, 8 connections:",
            prompts(report),
            "1,000 streams at 10 chunks/s, from the mock's write to the client's read:",
            streams(report),
        ]
    )
