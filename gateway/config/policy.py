"""Policies and routes: a policy is a preset by its kind, or composed of filters, a sample, scorers and a pick."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.config.address import Function, HeaderName, ModelName, Name, Zone
from gateway.config.units import Count, Dollars, Percent, Positive, Share, TimeOfDay, Timeout, Weight
from policies.learning.difficulty.features import Weights

Preset = Literal[
    "order", "weighted", "round_robin", "random", "least_busy", "power_of_two", "peak_ewma", "prequal", "lowest_cost",
    "lowest_latency", "highest_throughput", "prefix", "session", "slo_cost", "quality",
]  # fmt: skip


class Slo(Struct, frozen=True, kw_only=True):
    """The service level that `slo_cost` keeps.

    ttft: Target for the first token.
    per_1k_tokens: How much the target grows with each thousand prompt tokens.
    tpot: Target for each further token.
    quantile: Share of requests that must meet the targets.
    """

    ttft: Timeout | None = None
    per_1k_tokens: Timeout | None = None
    tpot: Timeout | None = None
    quantile: Share = 0.95


class Difficulty(Struct, frozen=True, kw_only=True):
    """What `quality` takes for a hard prompt, and where hard prompts go.

    strong: Deployments that get the hard prompts; left out, the one its model lists last.
    share: Share of requests that are hard, which the threshold is moved to.
    weights: What each feature of a prompt counts, as `cloverleaf difficulty` prints them; left out, the shipped ones.
    classifier: A function of your own, as `module:function`: of the prompt's text, from 0 (easy) to 1 (hard).
    """

    strong: list[Name] = []
    share: Percent = 0.2
    weights: Weights | None = None
    classifier: Function | None = None


class Filter(Struct, frozen=True, kw_only=True):
    """A rule that removes candidates.

    kind: Which rule.
    any: For `tagged`, at least one of these tags is needed.
    all: For `tagged`, every one of these tags is needed.
    input: For `within_price`, the most a million prompt tokens may cost, in USD.
    output: For `within_price`, the most a million generated tokens may cost, in USD.
    """

    kind: Literal["capable", "healthy", "fits_context", "tagged", "within_price", "within_rate"]
    any: list[Name] = []
    all: list[Name] = []
    input: Dollars | None = None
    output: Dollars | None = None


class Scorer(Struct, frozen=True, kw_only=True):
    """A score from 0 to 1 for each candidate.

    kind: Which score.
    weight: How much it counts among the scorers.
    quantile: For `hot_cold`, the share of the candidates' in-flight counts from which one is hot.
    """

    kind: Literal[
        "peak_ewma",
        "least_busy",
        "token_load",
        "kv_headroom",
        "cost",
        "predicted_latency",
        "throughput",
        "hot_cold",
        "prefix_affinity",
        "prefix_cost",
        "session",
        "listed",
        "quality",
    ]
    weight: Weight = 1.0
    quantile: Share | None = None


class Pick(Struct, frozen=True, kw_only=True):
    """How one of the scored candidates is chosen.

    kind: Which way.
    temperature: For `softmax`, how much score is worth a factor e of probability.
    """

    kind: Literal["best", "weighted", "round_robin", "rendezvous", "softmax"]
    temperature: Annotated[float, Meta(gt=0)] | None = None


class PolicySpec(Struct, frozen=True, kw_only=True):
    """A preset with settings (`kind`), or a composition (`filters`, `sample`, `scorers`, `pick`).

    kind: The preset.
    slo: Targets for `slo_cost`.
    strict: For `slo_cost`, whether every request must be predicted to meet the target.
    difficulty: What `quality` takes for a hard prompt.
    filters: Rules that remove candidates.
    sample: How many of the remaining candidates are scored; left out, all.
    scorers: Scores, added up by weight.
    pick: How one of the scored candidates is chosen.
    """

    kind: Preset | None = None
    slo: Slo | None = None
    strict: bool = False
    difficulty: Difficulty | None = None
    filters: list[Filter] = []
    sample: Positive | None = None
    scorers: list[Scorer] = []
    pick: Pick | None = None

    @property
    def composed(self) -> bool:
        return bool(self.filters or self.sample or self.scorers or self.pick)


class Range(Struct, frozen=True, kw_only=True):
    """Bounds of a number.

    gt: Greater than.
    ge: At least.
    lt: Less than.
    le: At most.
    """

    gt: Count | None = None
    ge: Count | None = None
    lt: Count | None = None
    le: Count | None = None


class Times(Struct, frozen=True, kw_only=True):
    """A stretch of some days; one that ends before it begins runs past midnight.

    days: Which days it begins on; left out, all.
    begins: Time of day, as `08:30`.
    ends: Time of day, which is no longer part of it.
    zone: Time zone, as `Europe/Paris`.
    """

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = []
    begins: TimeOfDay = 0
    ends: TimeOfDay = 24 * 60
    zone: Zone = "UTC"


class Match(Struct, frozen=True, kw_only=True):
    """Which requests a route takes; every condition must hold.

    model: Pattern of the model asked for; `*` stands for anything.
    prompt_tokens: Bounds of the prompt's estimated tokens.
    headers: Request headers and patterns of their values.
    key: Pattern of the key's name.
    metadata: Entries of the body's `metadata` and patterns of their values.
    stream: Whether the answer is to be streamed.
    tools: Whether the request offers tools.
    images: Whether its messages hold images.
    json_schema: Whether the answer must follow a JSON schema.
    times: Stretches of the week, one of which must hold now.
    """

    model: str | None = None
    prompt_tokens: Range | None = None
    headers: dict[HeaderName, str] = {}
    key: str | None = None
    metadata: dict[str, str] = {}
    stream: bool | None = None
    tools: bool | None = None
    images: bool | None = None
    json_schema: bool | None = None
    times: list[Times] = []


class To(Struct, frozen=True, kw_only=True):
    """Where a route sends a request.

    model: Another model.
    policy: Another policy.
    """

    model: ModelName | None = None
    policy: Name | None = None


class Mirror(Struct, frozen=True, kw_only=True):
    """A copy whose answer is recorded and discarded.

    model: The model that gets the copy.
    rate: Share of requests that are copied.
    """

    model: ModelName
    rate: Percent = 1.0


class Route(Struct, frozen=True, kw_only=True):
    """A rule that changes where a request goes; the first that matches wins.

    name: Name of the route in logs and metrics.
    match: Which requests it takes.
    to: The model or policy that serves them.
    split: Models and their shares of the traffic.
    sticky: What stays with one side of a split: each conversation, or all of a key's traffic.
    mirror: A model that gets a copy.
    """

    name: Name
    match: Match = Match()
    to: To | None = None
    split: dict[ModelName, Annotated[float, Meta(gt=0)]] = {}
    sticky: Literal["conversation", "key"] = "conversation"
    mirror: Mirror | None = None
