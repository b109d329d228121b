"""The table of every metric, which readings, exports, dashboards and docs are made from.

Names, units and buckets are those of the OpenTelemetry GenAI conventions where they have one. A Prometheus name is the
OpenTelemetry name with its unit, and counters end in ``_total``.
"""

from typing import Literal

import msgspec

# Buckets of the OpenTelemetry GenAI conventions.
DURATION = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
OVERHEAD = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_SUFFIXES = {"s": "_seconds", "1": "_ratio"}

Kind = Literal["counter", "gauge", "histogram"]


class Instrument(msgspec.Struct, frozen=True):
    """One metric. ``unit`` as UCUM writes it; ``labels``: attribute names, in the order of a reading's values."""

    name: str
    kind: Kind
    unit: str
    text: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    @property
    def prometheus(self) -> str:
        name = self.name.replace(".", "_") + _SUFFIXES.get(self.unit, "")
        return f"{name}_total" if self.kind == "counter" else name

    @property
    def prometheus_labels(self) -> tuple[str, ...]:
        return tuple(label.replace(".", "_") for label in self.labels)


WHAT = ("gen_ai.operation.name", "family", "gen_ai.request.model", "gen_ai.provider.name", "deployment")
PLACE = ("deployment", "endpoint")

OPERATION = Instrument(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "From a request's arrival to the end of its answer, as its client sees it",
    (*WHAT, "error.type"),
    DURATION,
)
USAGE = Instrument(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Tokens of one answer, as its upstream reported them",
    (*WHAT, "gen_ai.token.type"),
    TOKENS,
)
TTFT = Instrument(
    "gen_ai.server.time_to_first_token",
    "histogram",
    "s",
    "From a streamed request's arrival to its first content",
    WHAT,
    FIRST_TOKEN,
)
TPOT = Instrument(
    "gen_ai.server.time_per_output_token",
    "histogram",
    "s",
    "Time for each token of a streamed answer after the first",
    WHAT,
    PER_TOKEN,
)
REQUESTS = Instrument(
    "cloverleaf.requests", "counter", "{request}", "Finished requests", (*WHAT, "status", "failure", "caused_by")
)
OVERHEAD_TIME = Instrument(
    "cloverleaf.overhead",
    "histogram",
    "s",
    "The gateway's own processing time before the first content, without waiting for upstreams or in the queue",
    WHAT,
    OVERHEAD,
)
QUEUED = Instrument(
    "cloverleaf.queue.duration", "histogram", "s", "Time in the queue, of requests that were queued", WHAT, FIRST_TOKEN
)
IN_FLIGHT = Instrument("cloverleaf.requests_in_flight", "gauge", "{request}", "Requests in flight")
QUEUE = Instrument(
    "cloverleaf.queue_length", "gauge", "{request}", "Requests in the queue, waiting for an endpoint with room"
)
TASKS = Instrument("cloverleaf.tasks", "gauge", "{task}", "Tasks of the event loop")
INFO = Instrument("cloverleaf.info", "gauge", "", "Always 1; the label is the version", ("version",))
UPTIME = Instrument("cloverleaf.uptime", "gauge", "s", "Time since the process started")
DECISIONS = Instrument(
    "cloverleaf.decisions",
    "counter",
    "{decision}",
    "Choices of an endpoint, by policy, signal and reason",
    ("gen_ai.request.model", "policy", "signal", "reason"),
)
JUDGED = Instrument(
    "cloverleaf.judged", "counter", "{request}", "Prompts scored for difficulty", ("gen_ai.request.model", "hard")
)
THRESHOLD = Instrument(
    "cloverleaf.difficulty_threshold", "gauge", "", "The score above which a prompt is hard", ("gen_ai.request.model",)
)
COUNTED = Instrument(
    "cloverleaf.prompts_counted",
    "counter",
    "{request}",
    "Prompts near a limit whose tokens were counted, or estimated because no exact count was available",
    ("result",),
)
ATTEMPTS = Instrument(
    "cloverleaf.attempts", "counter", "{attempt}", "Attempts by endpoint and result", (*PLACE, "family", "result")
)
RETRIES = Instrument(
    "cloverleaf.retries", "counter", "{attempt}", "Further attempts at the same deployment", ("deployment", "failure")
)
FALLBACKS = Instrument(
    "cloverleaf.fallbacks",
    "counter",
    "{attempt}",
    "Attempts at another deployment after a failure",
    ("from", "to", "failure"),
)
HEDGES = Instrument(
    "cloverleaf.hedges",
    "counter",
    "{request}",
    "Hedged requests, by whether the hedge won",
    ("gen_ai.request.model", "result"),
)
RECOVERIES = Instrument(
    "cloverleaf.recoveries",
    "counter",
    "{stream}",
    "Streams that broke, by how they were continued",
    ("gen_ai.request.model", "mode"),
)
SPILLED = Instrument(
    "cloverleaf.spilled",
    "counter",
    "{request}",
    "Requests of models with self-hosted engines that a purchased deployment answered",
    ("gen_ai.request.model",),
)
SPILLABLE = Instrument(
    "cloverleaf.spillable",
    "counter",
    "{request}",
    "Answered requests of models with self-hosted engines: the base of the share of spilled ones",
    ("gen_ai.request.model",),
)
SPENT = ("gen_ai.request.model", "deployment", "key")
TOKEN_COUNT = Instrument(
    "cloverleaf.tokens",
    "counter",
    "{token}",
    "Tokens by type (cached_input is part of input, reasoning of output) and by source of the count",
    (*SPENT, "gen_ai.token.type", "source"),
)
COST = Instrument(
    "cloverleaf.cost_usd", "counter", "{USD}", "Cost of tokens, where a price is known", (*SPENT, "source")
)
UNPRICED = Instrument(
    "cloverleaf.unpriced",
    "counter",
    "{request}",
    "Answers whose tokens have no price: those of self-hosted engines, and of models without a known price",
    ("deployment",),
)
HOLDS = Instrument(
    "cloverleaf.holds",
    "counter",
    "{request}",
    "Waits for something other than an upstream's answer: queue, pause, recovery, token_count, media, or a stage's own",
    ("kind",),
)
MIRRORED = Instrument("cloverleaf.mirrored", "counter", "{request}", "Shadow traffic, by status", ("result",))
UP = Instrument("cloverleaf.endpoint_up", "gauge", "", "1 if the health check passes", PLACE)
AT_ENDPOINT = Instrument(
    "cloverleaf.endpoint_in_flight", "gauge", "{attempt}", "This gateway's attempts in flight", PLACE
)
AT_ENDPOINT_TOKENS = Instrument(
    "cloverleaf.endpoint_in_flight_tokens", "gauge", "{token}", "Prompt tokens in flight from this gateway", PLACE
)
RUNNING = Instrument("cloverleaf.endpoint_running", "gauge", "{request}", "Requests running in the engine", PLACE)
WAITING = Instrument("cloverleaf.endpoint_waiting", "gauge", "{request}", "Requests waiting in the engine", PLACE)
KV_USAGE = Instrument("cloverleaf.endpoint_kv_usage", "gauge", "1", "Share of the KV cache in use", PLACE)
PREFIX_QUERIES = Instrument(
    "cloverleaf.endpoint_prefix_queries", "counter", "{token}", "Prompt tokens looked up in the prefix cache", PLACE
)
PREFIX_HITS = Instrument(
    "cloverleaf.endpoint_prefix_hits", "counter", "{token}", "Prompt tokens found in the prefix cache", PLACE
)
PREFIX_READS = Instrument(
    "cloverleaf.prefix_reads",
    "counter",
    "{request}",
    "Requests whose cached prefix was looked up: reported by the engines (precise), or inferred (prefix)",
    ("gen_ai.request.model", "signal"),
)
KV_LIVE = Instrument(
    "cloverleaf.endpoint_kv_events_live", "gauge", "", "1 if the engine's cache events are complete", PLACE
)
KV_BLOCKS = Instrument(
    "cloverleaf.endpoint_kv_blocks", "gauge", "{block}", "Blocks that the engine reported to hold", PLACE
)
KV_PURGES = Instrument(
    "cloverleaf.kv_purges",
    "counter",
    "{purge}",
    "Times an engine's reported cache state was discarded, by cause: gap, restart, lost, garbage, asleep",
    (*PLACE, "cause"),
)
KV_GARBAGE = Instrument(
    "cloverleaf.kv_garbage", "counter", "{message}", "Messages that could not be read as cache events", PLACE
)
KV_PROMPTS = Instrument(
    "cloverleaf.kv_prompts",
    "counter",
    "{prompt}",
    "Prompts sent to an engine to be tokenized: learned, failed, or dropped because too many waited",
    ("deployment", "result"),
)
BREAKER = Instrument(
    "cloverleaf.endpoint_breaker",
    "gauge",
    "",
    "1 for the breaker's current state (closed, half_open, open); breakers without any failure are left out",
    (*PLACE, "family", "state"),
)
COOLING = Instrument(
    "cloverleaf.endpoint_cooling", "gauge", "s", "Time until the endpoint's quota allows requests again", PLACE
)
SHADOW = Instrument(
    "cloverleaf.pool_shadow_price", "gauge", "{USD}/s", "Current value of a GPU-second of the pool", ("deployment",)
)
POOL_WORK = Instrument("cloverleaf.pool_work", "gauge", "s", "GPU-seconds in flight at the pool", ("deployment",))
PREDICTED = ("deployment", "quantity")
PREDICTION_RATIO = Instrument(
    "cloverleaf.prediction_error",
    "gauge",
    "1",
    "Actual over predicted latency: quantiles of recent answers",
    (*PREDICTED, "quantile"),
)
PREDICTIONS = Instrument(
    "cloverleaf.predictions", "counter", "{prediction}", "Predictions compared with an answer", PREDICTED
)
PREDICTIONS_KEPT = Instrument(
    "cloverleaf.predictions_kept",
    "counter",
    "{prediction}",
    "Answers of cloverleaf.predictions within the predicted 95th percentile: 95 of 100 when calibrated",
    PREDICTED,
)
SLO_ANSWERS = Instrument(
    "cloverleaf.slo_answers",
    "counter",
    "{request}",
    "Streams measured against a policy's slo",
    ("gen_ai.request.model",),
)
SLO_MISSES = Instrument(
    "cloverleaf.slo_misses",
    "counter",
    "{request}",
    "Streams of cloverleaf.slo_answers that missed the slo",
    ("gen_ai.request.model",),
)
SLO_ALLOWED = Instrument(
    "cloverleaf.slo_allowed", "gauge", "1", "Share of misses that the slo allows", ("gen_ai.request.model",)
)
MISS_PRICE = Instrument(
    "cloverleaf.slo_miss_price", "gauge", "{USD}", "Current price of one slo miss", ("gen_ai.request.model",)
)
LEDGER_ROWS = Instrument("cloverleaf.ledger_rows", "counter", "{row}", "Requests written to the ledger")
LEDGER_DROPPED = Instrument("cloverleaf.ledger_dropped", "counter", "{row}", "Requests not recorded: ledger queue full")
LOG_DROPPED = Instrument(
    "cloverleaf.log_dropped", "counter", "{line}", "Log lines lost because they were written too slowly"
)
TRACES = Instrument("cloverleaf.traces", "counter", "{trace}", "Traces sent to the collector")
TRACES_DROPPED = Instrument(
    "cloverleaf.traces_dropped", "counter", "{trace}", "Traces lost: queue full, or collector failing"
)
TRACES_LEFT_OUT = Instrument(
    "cloverleaf.traces_left_out", "counter", "{trace}", "Notable requests not traced, beyond 100 per second"
)
EXPORT_FAILURES = Instrument(
    "cloverleaf.export_failures", "counter", "{export}", "Failed exports to the collector", ("signal",)
)

INSTRUMENTS = tuple(value for value in list(globals().values()) if isinstance(value, Instrument))
