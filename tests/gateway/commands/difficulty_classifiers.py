"""Classifiers as a user would write them, good and bad."""

import time


def shouted(text: str) -> float:
    return float(text.isupper())


def broken(text: str) -> float:
    raise RuntimeError("no model is loaded")


def beyond(text: str) -> float:
    return 17.0


def slow(text: str) -> float:
    time.sleep(0.01)
    return 0.0


NOT_A_FUNCTION = 3
