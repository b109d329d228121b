"""Keys: whose a request is, and what a connection may remember of it."""

import pytest

from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import LOCAL, Caller, Key, Keys
from gateway.config.schema import Key as KeyConfig
from gateway.config.secret import Secret

A, B = b"Bearer sk-a", b"Bearer sk-b"


def keys(*texts: str) -> Keys:
    return Keys(KeyConfig(name=text, key=Secret(text)) for text in texts)


def named(found: Key | ErrorResponse) -> str | int:
    return found.name if isinstance(found, Key) else found.status


def test_a_key_shown_again_is_the_same_key_and_another_one_is_asked_about_anew() -> None:
    caller, known = Caller("127.0.0.1"), keys("sk-a", "sk-b")
    shown = [A, A, B, A, b"Bearer sk-", b"Bearer sk-aa", A, b""]
    answers = [named(caller.identify(known, {b"authorization": each})) for each in shown]
    assert answers == ["sk-a", "sk-a", "sk-b", "sk-a", 401, 401, "sk-a", 401]


def test_a_reload_forgets_what_a_connection_has_shown() -> None:
    caller = Caller("127.0.0.1")
    assert named(caller.identify(keys("sk-a"), {b"authorization": A})) == "sk-a"
    assert named(caller.identify(keys("sk-b"), {b"authorization": A})) == 401


@pytest.mark.parametrize("other", [b"", b"Basic sk-a", b"bear"])
def test_what_is_no_bearer_key_never_speaks_for_a_later_x_api_key(other: bytes) -> None:
    caller, known = Caller("127.0.0.1"), keys("sk-a")
    assert named(caller.identify(known, {b"authorization": other, b"x-api-key": b"sk-a"})) == "sk-a"
    assert named(caller.identify(known, {b"authorization": other, b"x-api-key": b"sk-b"})) == 401
    assert named(caller.identify(known, {b"authorization": other})) == 401


def test_without_keys_each_request_must_be_direct_whatever_was_served_before() -> None:
    caller, none = Caller("127.0.0.1"), keys()
    direct = {b"authorization": A, b"host": b"localhost:8080"}
    assert caller.identify(none, direct) is LOCAL
    assert named(caller.identify(none, {**direct, b"x-forwarded-for": b"1.2.3.4"})) == 403
