"""The degradation ladder: the kinds of signal that a decision can be read from, best first."""

from enum import StrEnum


class Signal(StrEnum):
    """What a score was read from."""

    PREDICTED = "predicted"  # a predictor's word on this very request
    LEARNED = "learned"  # how fast recent answers were
    SCRAPED = "scraped"  # what every engine says of itself
    PRECISE = "precise"  # what engines told of their caches
    PREFIX = "prefix"  # where the prompt's beginning was seen
    SESSION = "session"  # where the conversation goes by its hash
    IN_FLIGHT = "in_flight"  # our own count, which is always known
    NONE = ""  # no score, or one that needs no telemetry
