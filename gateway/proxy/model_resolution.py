"""Resolves a request's model by routes and steering fields, and fills the attributes that its policy needs.

A route or the client's own steering chooses and narrows the model; a policy's needs are read from body and headers.
Ordinary requests never come here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from backends.contract.facts import Facts
from backends.contract.peek import BadBody
from backends.request.prompt_blocks import BLOCK, prompt_blocks
from backends.serving import capabilities
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key
from gateway.catalog.policy_compiler import with_needs
from gateway.catalog.route_compiler import minutes
from gateway.state.live_state import LiveState
from policies.selection import routes
from policies.selection.model import Model
from policies.selection.routes import Route
from policies.selection.steering import Preferences, steered
from policies.vocabulary.hashing import digest
from policies.vocabulary.needs import FEATURES
from policies.vocabulary.types import Request

if TYPE_CHECKING:
    from gateway.catalog.catalog import Catalog

MAX_MODELS = 16  # names in a client's `models`
_Headers = Mapping[bytes, bytes]


class Asked(msgspec.Struct, frozen=True):
    """The model a request goes to, the route that says so, and the model that gets a copy; empty: none."""

    model: Model
    route: str = ""
    mirror: str = ""


def asked(
    catalog: "Catalog", live: LiveState, key: Key, given: _Headers, facts: Facts, seed: int
) -> Asked | ErrorResponse:
    """What routes and steering make of a request.

    Raises:
        BadBody: a steering field is not what it must be.
    """
    wanted, others = _preferences(facts), _models(facts)
    turn(facts, key)
    name = facts.model or next(iter(others), "")
    if not key.allows(name) or not catalog.routes:
        found = catalog.find(name, key)
        if isinstance(found, ErrorResponse):
            return found
    route = _route(catalog, live, key, given, facts, name)
    model = _destination(catalog, key, name, route, seed, conversation(facts, given, key) if route else 0)
    if isinstance(model, ErrorResponse):
        return model
    if others:
        for other in others:
            found = catalog.find(other, key)
            if isinstance(found, ErrorResponse):
                return msgspec.structs.replace(found, param="models")
        model = msgspec.structs.replace(model, fallbacks=tuple(other for other in others if other != name))
        model = with_needs(model, catalog.models)
    if wanted is not None:
        features = capabilities.used(facts) if wanted.require_parameters else frozenset[str]()
        narrowed = steered(model, wanted, features)
        if narrowed is None:
            return ErrorResponse(
                404, f"no deployment of model '{name}' is left by the request's 'provider'", param="provider"
            )
        if wanted.sorted_by is not None:
            live.learn_speeds(c for tier in narrowed.tiers for c in tier)
        model = narrowed
    if route is None:
        return Asked(model)
    return Asked(model, route.name, (route.mirror or "") if routes.mirrored(route, seed) else "")


def filled(request: Request, facts: Facts, model: Model, key: Key, given: _Headers, live: LiveState) -> Request:
    """The request with all that the model's policy needs."""
    if "features" in model.needs:
        request = msgspec.structs.replace(request, features=capabilities.needs(facts))
    if model.needs == FEATURES:
        return request
    if "prefix" in model.needs and (blocks := prompt_blocks(facts)):
        request = live.placed(request, blocks, live.tokens(model.name, BLOCK))
    if "difficulty" in model.needs:
        request = live.judged(request, facts, model)
    if model.needs <= {"prefix"}:
        return request
    request = msgspec.structs.replace(
        request,
        max_tokens=facts.max_tokens,
        expected_output=live.expect(model.name),
        conversation=conversation(facts, given, key),
    )
    return live.foreseen(request, model) if "foresight" in model.needs else request


def turn(facts: Facts, key: Key) -> int:
    """The priority of a request that waits for a place: its key's, or a later one that it asks for itself.

    Raises:
        BadBody: it is no whole number.
    """
    raw = (facts.steering or {}).get("priority")
    asked = _read("priority", raw, int | None) if raw is not None else None
    return key.priority if asked is None else max(asked, key.priority)


def conversation(facts: Facts, given: _Headers, key: Key) -> int:
    """64 bits that stand for the conversation, apart for each key; 0 where nothing tells it."""
    named = given.get(b"x-session-id", b"").decode("latin-1") or facts.conversation
    return digest(key.name, named) if named else 0


def _route(catalog: "Catalog", live: LiveState, key: Key, given: _Headers, facts: Facts, name: str) -> Route | None:
    if not catalog.routes:
        return None
    seen = routes.RouteInput(
        model=name,
        headers={header.decode("latin-1"): value.decode("latin-1") for header, value in given.items()},
        key=key.name,
        metadata=facts.metadata,
        prompt_tokens=live.estimate(name, len(facts.body)),
        stream=facts.stream,
        tools=facts.tools,
        images="images" in facts.media,
        json_schema=facts.json_schema,
        minutes=minutes(catalog.routes),
    )
    return routes.find(catalog.routes, seen)


def _destination(
    catalog: "Catalog", key: Key, name: str, route: Route | None, seed: int, talk: int
) -> Model | ErrorResponse:
    """The model that a route gives a request; the one it asked for where the route gives none."""
    if route is None or not (route.model or route.split or route.policy):
        return catalog.find(name, key)
    if route.model:
        name = route.model
    elif route.split:
        name = routes.side(route, digest(key.name) if route.by_key else talk or seed)
    model = catalog.model(name) if route.model or route.split else catalog.find(name, key)
    assert model is not None  # routes name models that are defined
    if isinstance(model, ErrorResponse) or not route.policy:
        return model
    return catalog.variants[model.name, route.policy]


def _preferences(facts: Facts) -> Preferences | None:
    raw = (facts.steering or {}).get("provider")
    return _read("provider", raw, Preferences | None) if raw is not None else None


def _models(facts: Facts) -> tuple[str, ...]:
    raw = (facts.steering or {}).get("models")
    names = (_read("models", raw, tuple[str, ...] | None) or ()) if raw is not None else ()
    if len(names) > MAX_MODELS:
        raise BadBody(f"invalid 'models': at most {MAX_MODELS} names", "models")
    return names


def _read(field: str, raw: msgspec.Raw, kind: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadBody(f"invalid '{field}': {error}", field) from None
