"""The answer where no endpoint can serve: the feature that none has, or an estimate to a question for token counts."""

from collections.abc import Mapping

from backends.contract.families import Family
from backends.serving.client_apis import client_api
from policies.selection.model import Model
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Request

ESTIMATED = b"x-cloverleaf-usage: estimated\r\n"  # tokens that we counted ourselves, from bytes


def told(fault: Fault, family: Family, request: Request, models: Mapping[str, Model]) -> tuple[Fault, bytes | None]:
    """What answers a request that was given up: a fault, or in its place the body of a token count, estimated."""
    if fault.failure is not Failure.NO_ENDPOINT:
        return fault, None
    count = client_api(family).token_count
    if family.count and count is not None:
        return fault, count(request.prompt_tokens)
    return _lacking(request, models) or fault, None


def answered(fault: Fault, count: bytes | None) -> tuple[int, bytes, bytes]:
    """Status, body and header lines of that answer."""
    return (fault.status, fault.body, b"") if count is None else (200, count, ESTIMATED)


def _lacking(request: Request, models: Mapping[str, Model]) -> Fault | None:
    """The fault of a request that no deployment of its model could ever serve."""
    places = [candidate.deployment for tier in models[request.model].tiers for candidate in tier]
    if not request.features or any(request.features <= place.features for place in places):
        return None
    lacking = ", ".join(sorted(request.features))
    return Fault(Failure.BAD_REQUEST, f"no deployment of model '{request.model}' can be asked for {lacking}")
