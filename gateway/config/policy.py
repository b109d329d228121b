"""Policies and routes: a policy is a preset by its kind, or composed of filters, a sample, scorers and a pick.

A part's options are the fields of its struct in `policies.selection`, with their bounds and units.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, inspect

from gateway.config.address import HeaderName, ModelName, Zone
from gateway.config.units import TimeOfDay
from policies.learning.slo.estimate import Slo
from policies.selection.filters import FILTERS, Filter
from policies.selection.pickers import PICKERS, Picker
from policies.selection.presets import PRESETS
from policies.selection.scorers import SCORERS, Scorer, SloCost
from policies.selection.scorers.quality import Difficulty
from policies.vocabulary.units import Count, Name, Percent, Positive

Parts = tuple[type[Filter | Scorer | Picker], ...]

PARTS: Parts = (*FILTERS, *SCORERS, *PICKERS)
Preset = Annotated[str, Meta(extra={"words": tuple(each.kind for each in PRESETS)})]
OPTIONS = ("slo", "strict", "difficulty")  # of a policy, which are those of its scorers


def parts_of(base: type, parts: Parts = PARTS) -> dict[str, inspect.StructType]:
    """The parts of one sort (filters, scorers or pickers, by their base) by kind; none where it is no such base."""
    found = [inspect.type_info(each) for each in parts if base in each.__mro__[1:]]
    return {str(each.tag): each for each in found if isinstance(each, inspect.StructType)}


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
    pick: Picker | None = None

    @property
    def composed(self) -> bool:
        return bool(self.filters or self.sample or self.scorers or self.pick)

    @property
    def target(self) -> Slo | None:
        """The service level, at the policy or at its scorer; None: it has none."""
        return self.slo or next((each.slo for each in self.scorers if isinstance(each, SloCost)), None)

    @property
    def options(self) -> dict[str, object]:
        """Those that are given."""
        return {key: value for key in OPTIONS if (value := getattr(self, key))}


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
