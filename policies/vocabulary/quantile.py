"""Quantiles of samples in ascending order, interpolated between neighbours."""

from collections.abc import Sequence


def quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value that ``share`` (0..1) of the samples stay under; None: there are no samples."""
    return interpolated(ordered, share * (len(ordered) - 1)) if ordered else None


def interpolated(ordered: Sequence[float], position: float) -> float:
    """The value at a position between 0 and the last index."""
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])
