"""What an engine reports about itself: its load, and how its chat template continues a given text."""

from enum import Enum

import msgspec


class Continues(Enum):
    """How an endpoint goes on from a text that is given: what its chat template does to that text, as probed."""

    UNKNOWN = "unknown"
    NO = "no"
    TRIMMED = "trimmed"  # white space at the text's ends is lost
    EXACTLY = "exactly"


class EngineLoad(msgspec.Struct, frozen=True):
    """What an engine said of itself; None: it did not say. Counts are requests; hits and queries count tokens."""

    running: float | None = None
    waiting: float | None = None
    kv_usage: float | None = None  # 0..1
    prefix_queries: float | None = None
    prefix_hits: float | None = None
    sleeping: bool | None = None
    kv_tokens: float | None = None  # what its KV cache holds
