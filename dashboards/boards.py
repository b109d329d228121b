"""Boards. Rule: a page is one question: how is it going, how is the pool, what does it cost, is the promise kept."""

from dashboards import rules
from dashboards.panel import Board, Panel, Query
from dashboards.query import gauge, quantile, rate, series, share
from gateway.recording import instruments as i
from gateway.recording.instruments import Instrument

MODEL = "gen_ai_request_model"
TYPE = "gen_ai_token_type"
BLAMED = 'caused_by=~"upstream|us"'
VARIABLES = (
    ("instance", f"label_values({i.INFO.prometheus}, instance)"),
    ("model", f"label_values({i.REQUESTS.prometheus}, {MODEL})"),
)


def number(title: str, unit: str, expr: str, text: str = "", rare: bool = False) -> Panel:
    return Panel(title, unit, (Query(expr, rare=rare),), text, "stat", 4, 4)


def quantiles(title: str, instrument: Instrument) -> Panel:
    queries = tuple(Query(quantile(q, instrument), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99))
    return Panel(title, "s", queries, instrument.text)


def by(title: str, unit: str, instrument: Instrument, *labels: str, rare: bool = False, where: str = "") -> Panel:
    legend = " ".join(f"{{{{{label}}}}}" for label in labels)
    query = Query(rate(instrument, *labels, where=where), legend, rare)
    return Panel(title, unit, (query,), instrument.text, stack=True)


def at_places(title: str, unit: str, instrument: Instrument, rare: bool = False) -> Panel:
    query = Query(gauge(instrument, "deployment", "endpoint"), "{{deployment}} {{endpoint}}", rare)
    return Panel(title, unit, (query,), instrument.text)


FAILED = share(rate(i.REQUESTS, where=BLAMED), rate(i.REQUESTS))
OPEN = series(i.BREAKER, 'state="open"')
NOT_CLOSED = gauge(i.BREAKER, "endpoint", "family", "state", where='state!="closed"')
OUTPUT = rate(i.TOKEN_COUNT, where=f'{TYPE}="output"')
INPUT = rate(i.TOKEN_COUNT, where=f'{TYPE}="input"')
CACHED = rate(i.TOKEN_COUNT, where=f'{TYPE}="cached_input"')
OF_MODEL = f"{{{{{MODEL}}}}}"
SPILL = share(rate(i.SPILLED), rate(i.SPILLABLE))
USD_PER_HOUR = f"3600 * ({rate(i.COST)})"

OVERVIEW = Board(
    "cloverleaf-overview",
    "Cloverleaf: overview",
    (
        number("Requests", "reqps", rate(i.REQUESTS)),
        number("Failed", "percentunit", FAILED, "By upstreams' fault or ours, not clients'", rare=True),
        number("In flight", "none", gauge(i.IN_FLIGHT)),
        number("In line", "none", gauge(i.QUEUE), i.QUEUE.text),
        number("Output", "none", OUTPUT, "Tokens per second"),
        number("USD per hour", "currencyUSD", USD_PER_HOUR),
        by("Requests by deployment", "reqps", i.REQUESTS, "deployment"),
        by("Requests by status", "reqps", i.REQUESTS, "status"),
        by("Failures", "reqps", i.REQUESTS, "failure", "caused_by", rare=True, where='failure!=""'),
        quantiles("Time to first token", i.TTFT),
        quantiles("Time per output token", i.TPOT),
        quantiles("Duration", i.OPERATION),
        quantiles("Overhead of the gateway", i.OVERHEAD_TIME),
        quantiles("Time in line", i.QUEUED),
        by("Tokens", "none", i.TOKEN_COUNT, TYPE),
        by("Decisions", "ops", i.DECISIONS, "policy", "signal", "reason"),
        by("Judged prompts", "ops", i.JUDGED, "hard", rare=True),
        Panel(
            "Difficulty threshold", "none", (Query(gauge(i.THRESHOLD, MODEL), OF_MODEL, rare=True),), i.THRESHOLD.text
        ),
        by("Prompts counted", "ops", i.COUNTED, "result"),
        by("Attempts", "ops", i.ATTEMPTS, "deployment", "result"),
        by("Retries", "ops", i.RETRIES, "deployment", "failure", rare=True),
        by("Fallbacks", "ops", i.FALLBACKS, "from", "to", "failure", rare=True),
        by("Hedges", "ops", i.HEDGES, "result", rare=True),
        by("Recoveries", "ops", i.RECOVERIES, "mode", rare=True),
        by("Mirrored copies", "ops", i.MIRRORED, "result", rare=True),
        by("Waits", "ops", i.HOLDS, "kind", rare=True),
        Panel(
            "Not recorded", "ops",
            (
                Query(rate(i.LEDGER_DROPPED), "ledger", rare=True),
                Query(rate(i.LOG_DROPPED), "log"),
                Query(rate(i.TRACES_DROPPED), "traces", rare=True),
                Query(rate(i.TRACES_LEFT_OUT), "traces left out", rare=True),
                Query(rate(i.EXPORT_FAILURES, "signal"), "export of {{signal}}", rare=True),
            ),
            "What was lost on its way to a disk or a collector; requests never wait for either",
        ),
        Panel(
            "Recorded", "ops",
            (Query(rate(i.LEDGER_ROWS), "ledger", rare=True), Query(rate(i.TRACES), "traces", rare=True)),
        ),
        Panel(
            "Process", "none", (Query(gauge(i.TASKS, "instance"), "tasks {{instance}}"),),
            "Tasks that only grow are a leak",
        ),
        Panel("Up for", "s", (Query(gauge(i.UPTIME, "instance"), "{{instance}}"),)),
    ),
)  # fmt: skip

POOL = Board(
    "cloverleaf-pool",
    "Cloverleaf: pool",
    (
        number("Endpoints up", "none", gauge(i.UP)),
        number("Endpoints down", "none", f"count({series(i.UP)} == 0)", rare=True),
        number("Breakers open", "none", f"count({OPEN} == 1)", rare=True),
        number("Spill", "percentunit", SPILL, i.SPILLED.text),
        number("KV cache", "percentunit", f"max({series(i.KV_USAGE)})", "Of the fullest engine"),
        number("Prefix hits", "percentunit", share(rate(i.PREFIX_HITS), rate(i.PREFIX_QUERIES))),
        at_places("Attempts in flight", "none", i.AT_ENDPOINT),
        at_places("Prompt tokens in flight", "none", i.AT_ENDPOINT_TOKENS),
        at_places("Running", "none", i.RUNNING),
        at_places("Waiting", "none", i.WAITING),
        at_places("KV cache in use", "percentunit", i.KV_USAGE),
        Panel(
            "Prefix hits by endpoint", "percentunit",
            (Query(share(rate(i.PREFIX_HITS, "endpoint"), rate(i.PREFIX_QUERIES, "endpoint")), "{{endpoint}}"),),
        ),
        by("Prefixes known from", "reqps", i.PREFIX_READS, "signal", rare=True),
        at_places("Cache events heard", "none", i.KV_LIVE, rare=True),
        at_places("Blocks told", "none", i.KV_BLOCKS, rare=True),
        by("Caches to be told anew", "ops", i.KV_PURGES, "endpoint", "cause", rare=True),
        by("Garbage among cache events", "ops", i.KV_GARBAGE, "endpoint", rare=True),
        by("Prompts' tokens asked for", "ops", i.KV_PROMPTS, "deployment", "result", rare=True),
        Panel(
            "Breakers", "none",
            (Query(f"{NOT_CLOSED} > 0",
                   "{{endpoint}} {{family}} {{state}}", rare=True),),
            i.BREAKER.text,
        ),
        at_places("Cooling", "s", i.COOLING),
        Panel(
            "Spill by model", "percentunit",
            (Query(share(rate(i.SPILLED, MODEL), rate(i.SPILLABLE, MODEL)), OF_MODEL),),
        ),
        Panel("Shadow price", "currencyUSD", (Query(gauge(i.SHADOW, "deployment"), "{{deployment}}"),), i.SHADOW.text),
        Panel("Work in flight", "s", (Query(gauge(i.POOL_WORK, "deployment"), "{{deployment}}"),), i.POOL_WORK.text),
        Panel(
            "Prediction error", "none",
            (Query(gauge(i.PREDICTION_RATIO, "deployment", "quantity", "quantile"),
                   "{{deployment}} {{quantity}} p{{quantile}}"),),
            i.PREDICTION_RATIO.text,
        ),
        Panel(
            "Calibration", "percentunit",
            (Query(share(rate(i.PREDICTIONS_KEPT, "deployment", "quantity"),
                         rate(i.PREDICTIONS, "deployment", "quantity")), "{{deployment}} {{quantity}}"),),
            "Share of answers within the predicted 95th percentile: 95 % is right",
        ),
    ),
)  # fmt: skip

COST = Board(
    "cloverleaf-cost",
    "Cloverleaf: cost",
    (
        number("USD per hour", "currencyUSD", USD_PER_HOUR),
        number("In the time shown", "currencyUSD", f"sum(increase({series(i.COST)}[$__range]))"),
        number(
            "USD per 1M output tokens", "currencyUSD",
            f"1e6 * {share(rate(i.COST), OUTPUT)}",
        ),
        number(
            "Cached prompt", "percentunit",
            share(CACHED, INPUT),
            "Share of prompt tokens that a provider's cache held",
        ),
        number(
            "Estimated", "percentunit", share(rate(i.COST, where='source="estimated"'), rate(i.COST)),
            "Share of the cost of answers whose usage never came: cancelled or cut off", rare=True,
        ),
        number("Without a price", "reqps", rate(i.UNPRICED), i.UNPRICED.text, rare=True),
        *(
            Panel(
                f"USD per hour by {word}", "currencyUSD",
                (Query(f"3600 * ({rate(i.COST, label)})", f"{{{{{label}}}}}"),), stack=True,
            )
            for word, label in (("model", MODEL), ("deployment", "deployment"), ("key", "key"))
        ),
        by("Tokens by key", "none", i.TOKEN_COUNT, "key", TYPE),
        by("Tokens by deployment", "none", i.TOKEN_COUNT, "deployment", TYPE),
        by("Tokens by who counted them", "none", i.TOKEN_COUNT, "source"),
        Panel(
            "Tokens of an answer", "none",
            tuple(Query(quantile(q, i.USAGE, TYPE), f"{{{{{TYPE}}}}} p{q * 100:g}") for q in (0.5, 0.95)),
            i.USAGE.text,
        ),
        Panel("What a miss is worth", "currencyUSD", (Query(gauge(i.MISS_PRICE, MODEL), OF_MODEL),), i.MISS_PRICE.text),
    ),
)  # fmt: skip


def recorded(record: str) -> str:
    """A recorded ratio, of the models that are shown."""
    return f'{record}{{{MODEL}=~"$model"}}'


SLO = Board(
    "cloverleaf-slo",
    "Cloverleaf: service levels",
    (
        number("Available, 1 h", "percentunit", f"1 - max({recorded(rules.failed('1h'))})", "Of the worst model"),
        number(
            "Error budget burnt, 3 d", "percentunit",
            f"max({recorded(rules.failed('3d'))}) / {rules.ALLOWED_FAILURES:g}",
            f"Of {rules.ALLOWED_FAILURES:.1%} of the requests, which may fail",
        ),
        number("In time, 1 h", "percentunit", f"1 - max({recorded(rules.missed('1h'))})", "Streams that met their slo"),
        number("Alerts", "none", 'count(ALERTS{alertname=~"Cloverleaf.*"})', "Pending and firing", rare=True),
        *(
            Panel(
                f"{title}, by window", "none",
                tuple(Query(burn(window), f"{OF_MODEL} {window}") for window in ("5m", "1h", "6h")),
                text, width=12,
            )
            for title, burn, text in (
                ("Burn rate of availability", rules.burn_of_failures, "1 burns exactly the budget; 14.4 is an alert"),
                ("Burn rate of latency", rules.burn_of_misses, "1 misses exactly as often as the policy permits"),
            )
        ),
        Panel("Measured by an slo", "reqps", (Query(rate(i.SLO_ANSWERS, MODEL), OF_MODEL),), i.SLO_ANSWERS.text),
        Panel(
            "Missed", "percentunit",
            (Query(share(rate(i.SLO_MISSES, MODEL), rate(i.SLO_ANSWERS, MODEL)), OF_MODEL),
             Query(gauge(i.SLO_ALLOWED, MODEL), f"{OF_MODEL} may miss")),
            i.SLO_MISSES.text,
        ),
        quantiles("Time to first token", i.TTFT),
    ),
)  # fmt: skip

BOARDS = (OVERVIEW, POOL, COST, SLO)
