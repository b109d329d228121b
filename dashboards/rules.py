"""Rules. Rule: an alert is what a person should act on; ratios that alerts and boards share are recorded once.

Burn rates and their windows follow "The Site Reliability Workbook", chapter 5.
"""

from typing import Any

from gateway.recording import instruments as i
from gateway.recording.instruments import Instrument

MODEL = "gen_ai_request_model"
ALLOWED_FAILURES = 0.005  # of requests: an availability of 99.5 %
WINDOWS = ("5m", "30m", "1h", "6h", "3d")
SPILLED = 0.5  # share over which somebody should look: the pool is too small, or ill
KEPT = 0.85  # of predictions' 95th percentiles: fewer is drift
ENOUGH = 100  # predictions in the window before that says anything

Rule = dict[str, Any]


def failed(window: str) -> str:
    """The name of the recorded share of failed requests, by model."""
    return f"cloverleaf:requests_failed:ratio_{window}"


def missed(window: str) -> str:
    """The name of the recorded share of streams that missed their slo, by model."""
    return f"cloverleaf:slo_missed:ratio_{window}"


def burn_of_failures(window: str) -> str:
    return f"{failed(window)} / {ALLOWED_FAILURES:g}"


def burn_of_misses(window: str) -> str:
    return f"{missed(window)} / on ({MODEL}) max by ({MODEL}) ({i.SLO_ALLOWED.prometheus})"


def rate(instrument: Instrument, window: str, where: str = "") -> str:
    labels = f"{{{where}}}" if where else ""
    by = f"by ({MODEL}) " if MODEL in instrument.prometheus_labels else ""
    return f"sum {by}(rate({instrument.prometheus}{labels}[{window}]))"


def ratio(part: str, whole: str) -> str:
    """Nought where nothing of the part ever was."""
    return f"({part} or 0 * {whole}) / ({whole} > 0)"


def recordings() -> list[Rule]:
    made = []
    for window in WINDOWS:
        bad = rate(i.REQUESTS, window, 'caused_by=~"upstream|us"')
        blameless = rate(i.REQUESTS, window, 'who!="client"')
        made.append({"record": failed(window), "expr": ratio(bad, blameless)})
        misses, answers = rate(i.SLO_MISSES, window), rate(i.SLO_ANSWERS, window)
        made.append({"record": missed(window), "expr": ratio(misses, answers)})
    return made


def alert(name: str, expr: str, lasts: str, severity: str, summary: str, text: str) -> Rule:
    return {
        "alert": f"Cloverleaf{name}",
        "expr": expr,
        "for": lasts,
        "labels": {"severity": severity},
        "annotations": {"summary": summary, "description": text},
    }


def both(burn: Any, times: float, long: str, short: str) -> str:
    """Burning over a long window, and still so over a short one."""
    return f"{burn(long)} > {times:g} and {burn(short)} > {times:g}"


def alerts() -> list[Rule]:
    model = f"{{{{ $labels.{MODEL} }}}}"
    place = "{{ $labels.deployment }} at {{ $labels.endpoint }}"
    kept = f"sum by (deployment, quantity) (increase({i.PREDICTIONS_KEPT.prometheus}[1h]))"
    made = f"sum by (deployment, quantity) (increase({i.PREDICTIONS.prometheus}[1h]))"
    return [
        alert("FailuresFast", both(burn_of_failures, 14.4, "1h", "5m"), "2m", "page",
              f"{model} fails too often", "At this rate 2 % of a month's error budget goes in an hour."),
        alert("FailuresSlow", both(burn_of_failures, 6, "6h", "30m"), "15m", "ticket",
              f"{model} fails too often", "At this rate the month's error budget is gone in five days."),
        alert("LateFast", both(burn_of_misses, 6, "1h", "5m"), "2m", "page",
              f"{model} misses its service level", "Six times as many streams are late as its policy permits."),
        alert("LateSlow", both(burn_of_misses, 2, "6h", "30m"), "15m", "ticket",
              f"{model} misses its service level", "Twice as many streams are late as its policy permits."),
        alert("Spill", f"{ratio(rate(i.SPILLED, '15m'), rate(i.SPILLABLE, '15m'))} > {SPILLED:g}", "15m", "ticket",
              f"Clouds answer most of {model}", "The pool is too small for its traffic, or part of it is down."),
        alert("EndpointDown", f"{i.UP.prometheus} == 0", "1m", "ticket",
              f"{place} is down", "Its health check fails; requests go elsewhere."),
        alert("BreakerOpen", f'{i.BREAKER.prometheus}{{state="open"}} == 1', "1m", "ticket",
              f"The breaker of {place} is open", "It failed too often; it is asked again by one request at a time."),
        alert("PredictionDrift", f"{kept} / {made} < {KEPT:g} and {made} > {ENOUGH}", "15m", "ticket",
              "Predictions for {{ $labels.deployment }} are off",
              "Too few answers stay within their predicted 95th percentile: the engine or its load has changed."),
        alert("LedgerDrops", f"increase({i.LEDGER_DROPPED.prometheus}[5m]) > 0", "0s", "ticket",
              "The ledger loses requests", "Its disk is full or too slow; requests are served, and not recorded."),
        alert("LogDrops", f"increase({i.LOG_DROPPED.prometheus}[5m]) > 0", "0s", "ticket",
              "The log loses lines", "Whoever reads it is too slow."),
        alert("TracesDropped", f"increase({i.TRACES_DROPPED.prometheus}[5m]) > 0", "10m", "ticket",
              "Traces are lost", "The collector does not take them, or not fast enough."),
        alert("Queueing", f"{i.QUEUE.prometheus} > 0", "5m", "ticket",
              "Requests wait in line", "Some model's deployments have all been at max_concurrency for five minutes."),
        alert("Absent", f"absent({i.INFO.prometheus})", "2m", "page",
              "No gateway is scraped", "None runs, or its admin port is not reached."),
    ]  # fmt: skip


def groups() -> dict[str, Any]:
    """The rule file."""
    return {
        "groups": [
            {"name": "cloverleaf-ratios", "rules": recordings()},
            {"name": "cloverleaf-alerts", "rules": alerts()},
        ]
    }
