"""The client APIs: every family belongs to one, and each writes errors in its own words."""

import msgspec
import pytest

from backends.contract.client_error import ClientError
from backends.contract.families import FAMILIES, Family
from backends.serving.client_apis import CLIENT_APIS, client_api

ERROR = ClientError(404, "no such model", "invalid_request_error", "model_not_found", "model")
OPENAI = {"message": ERROR.message, "type": ERROR.type, "param": "model", "code": "model_not_found"}
ANTHROPIC = {"type": "error", "error": {"type": "not_found_error", "message": ERROR.message}}
BODIES = {"chat": {"error": OPENAI}, "responses": {"error": OPENAI}, "messages": ANTHROPIC}
EVENTS = {
    "chat": ("", {"error": OPENAI}),
    "responses": ("event: error\n", {**OPENAI, "type": "error"}),
    "messages": ("event: error\n", ANTHROPIC),
}
by_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@by_family
def test_an_error_is_a_body_of_the_familys_api(family: Family) -> None:
    assert msgspec.json.decode(client_api(family).error(ERROR)) == BODIES[family.api]


@by_family
def test_a_stream_that_breaks_ends_as_the_familys_streams_speak(family: Family) -> None:
    name, fields = EVENTS[family.api]
    head, _, data = client_api(family).stream_error(ERROR).decode().partition("data: ")
    assert (head, msgspec.json.decode(data)) == (name, fields)
    assert bool(name) == (family.events == "typed") or not family.events


@by_family
def test_a_family_of_counts_belongs_to_an_api_that_writes_them(family: Family) -> None:
    count = client_api(family).token_count
    assert not family.count or (count is not None and msgspec.json.decode(count(7)) == {"input_tokens": 7})


def test_every_api_has_families_and_each_name_is_one_apis() -> None:
    assert sorted(api.name for api in CLIENT_APIS) == sorted({family.api for family in FAMILIES})
