"""Nowhere. Rule: what a request is told that no place will serve: what its model's deployments lack, or an estimate."""

from collections.abc import Mapping

from policies.selection.model import Model
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Request

ESTIMATED = b"x-cloverleaf-usage: estimated\r\n"  # tokens that we counted ourselves, from bytes


def told(fault: Fault, request: Request, models: Mapping[str, Model]) -> tuple[Fault, bytes | None]:
    """What to tell where a request was given up: a fault, and a count of tokens in its place where that was asked.

    Nobody counts these tokens: the count says about how many they are.
    """
    if fault.failure is not Failure.NO_ENDPOINT:
        return fault, None
    if request.family == "count_tokens":
        return fault, b'{"input_tokens":%d}' % request.prompt_tokens
    return _lacking(request, models) or fault, None


def answered(fault: Fault, count: bytes | None) -> tuple[int, bytes, bytes]:
    """Status, body and header lines of what is told."""
    return (fault.status, fault.body, b"") if count is None else (200, count, ESTIMATED)


def _lacking(request: Request, models: Mapping[str, Model]) -> Fault | None:
    """The fault of a request that no deployment of its model could ever serve."""
    places = models[request.model].deployments
    if not request.features or any(request.features <= place.features for place in places):
        return None
    lacking = ", ".join(sorted(request.features))
    return Fault(Failure.BAD_REQUEST, f"no deployment of model '{request.model}' can be asked for {lacking}")
