"""The types that cross rooms: frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec


class Mode(Enum):
    """How a stream goes on elsewhere (see policies/attempts/recovery.py)."""

    CONTINUE = "continue"
    REALIGN = "realign"
    RESTART = "restart"


class RecoveryRules(msgspec.Struct, frozen=True):
    """``modes`` in order of preference; ``anywhere``: realign without same weights and repeatable sampling, too."""

    modes: tuple[Mode, ...] = ()
    anywhere: bool = False
    restart: bool = False  # a stream that showed only reasoning is begun again


class Price(msgspec.Struct, frozen=True):
    """USD per 1M tokens. ``cache_write``: prompt tokens put into the provider's cache; ``_1h``: to stay there an hour.

    A price left out is the next wider one's: an hour's write costs a write, a write or a read costs an input token.
    ``longer``: (n, price) for whole requests whose prompt has more than n tokens, by rising n.
    """

    input: float
    output: float
    cached_input: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    longer: tuple[tuple[int, Price], ...] = ()

    def at(self, prompt_tokens: int) -> Price:
        """What holds for a request with so long a prompt."""
        price = self
        for start, longer in self.longer:
            if prompt_tokens > start:
                price = longer
        return price


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer. ``source``: ``upstream`` (its own figure), ``estimated``, or ``none`` (not known).

    It sums: ``prompt`` holds ``cached`` (read from the provider's cache) and ``cache_write`` (put there, of which
    ``cache_write_1h`` for an hour); ``completion`` holds ``reasoning``. Audio tokens are within prompt and completion.
    """

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    source: str = "none"
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_prompt: int = 0
    audio_completion: int = 0

    def cost(self, price: Price) -> float:
        """USD at ``price``; cached and cache-written prompt tokens at their own price where there is one."""
        if price.longer:
            price = price.at(self.prompt)
        cached_price = price.input if price.cached_input is None else price.cached_input
        uncached = self.prompt - self.cached - self.cache_write
        cost = uncached * price.input + self.cached * cached_price + self.completion * price.output
        if self.cache_write:
            write_price = price.input if price.cache_write is None else price.cache_write
            hour_price = write_price if price.cache_write_1h is None else price.cache_write_1h
            cost += (self.cache_write - self.cache_write_1h) * write_price + self.cache_write_1h * hour_price
        return cost / 1e6

    def priced(self, price: Price | None) -> float | None:
        """The same; None where it is not known."""
        return self.cost(price) if price is not None and self.source != "none" else None


NO_USAGE = Usage()


class AttemptCost(msgspec.Struct, frozen=True, gc=False):
    """What one attempt cost at its endpoint. ``end``: ``ok`` or its failure's code; ``usd``: None where not known."""

    deployment: str
    endpoint: str
    usage: Usage
    end: str = "ok"
    usd: float | None = None


class Deployment(msgspec.Struct, frozen=True):
    """A named place that can run a model: a vLLM pool, or one model of a cloud."""

    name: str
    provider: str
    model: str  # the name the upstream knows
    families: frozenset[str]
    max_concurrency: int | None = None
    price: Price | None = None
    tags: tuple[str, ...] = ()
    weights: str = ""  # the same word means the same weights
    own: bool = False  # an engine of the user's: its hours are paid anyway
    weight: float = 1.0
    context_window: int | None = None  # tokens, prompt and answer together
    rpm: int | None = None  # requests and tokens a minute
    tpm: int | None = None
    features: frozenset[str] = frozenset()  # what its provider can be asked for, see backends/serving/capabilities.py
    metered: bool = False  # its replies say what is left of its limits
    cache_events: bool = False  # its engines tell what their caches hold


class Request(msgspec.Struct, frozen=True, gc=False):
    """A client's request as a policy sees it.

    ``prompt_tokens`` is an estimate from bytes; ``received`` is monotonic seconds. ``seed`` (64 bits) and ``sequence``
    make every random or rotating choice replayable. What follows them is read only where a policy or route needs it.
    """

    family: str
    model: str
    stream: bool
    prompt_tokens: int
    received: float
    seed: int = 0
    sequence: int = 0
    max_tokens: int | None = None
    expected_output: int = 256  # tokens
    conversation: int = 0  # 64 bits that stand for it; 0: not known
    home: str = ""  # the deployment that answered the conversation last
    late_price: float = 0.0  # USD that missing the service level is worth
    matched: Mapping[tuple[str, str], int] | None = None  # prompt tokens in each endpoint's cache; None: not known
    told: bool = False  # what is matched is the engines' own word
    blocks: tuple[int, ...] = ()  # of the prompt, each named by all up to its end (see PrefixIndex); (): not known
    block_tokens: float = 0.0  # tokens of each
    exact: Mapping[str, int] | None = None  # prompt tokens by deployment, counted where the estimate would not do
    difficulty: float | None = None  # of its prompt, from 0 to 1; None: nobody judged it
    threshold: float = 0.0  # above which it is hard
    features: frozenset[str] = (
        frozenset()
    )  # that a deployment must offer, in the words of backends/serving/capabilities.py
