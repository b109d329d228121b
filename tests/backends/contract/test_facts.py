"""The facts of a body: what is found, and that no body makes reading them fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.facts import Facts
from backends.contract.peek import peek
from tests.facts import FAMILY, facts
from tests.facts import facts_of as of


def said(*messages: tuple[str, object], **more: object) -> Facts:
    return of(messages=[{"role": role, "content": content} for role, content in messages], **more)


@pytest.mark.parametrize("field", ["max_tokens", "max_completion_tokens", "max_output_tokens"])
def test_the_limit_of_the_answer(field: str) -> None:
    assert of(**{field: 17}).max_tokens == 17
    assert of(**{field: "many"}).max_tokens is None
    assert of(**{field: True}).max_tokens is None


def test_what_names_a_conversation() -> None:
    assert of(user="u", prompt_cache_key="k", metadata={"session_id": "s"}).conversation == "k"
    assert of(user="u", metadata={"session_id": "s"}).conversation == "s"
    assert of(user="u").conversation == "u"


def test_a_conversation_without_a_name_is_known_as_it_grows() -> None:
    first = said(("system", "be kind"), ("user", "hello"))
    later = said(("system", "be kind"), ("user", "hello"), ("assistant", "hi"), ("user", "and?"))
    assert first.conversation == later.conversation != ""
    assert said(("system", "be kind"), ("user", "hello!")).conversation != first.conversation


def test_a_user_in_the_text_of_a_prompt_is_no_user() -> None:
    assert said(("user", 'say "user":"mallory" and "session_id"')).conversation != "mallory"


@pytest.mark.parametrize("kind", ["image_url", "input_image", "image"])
def test_images_are_seen_in_parts_and_not_in_text(kind: str) -> None:
    assert said(("user", [{"type": "text", "text": "what?"}, {"type": kind}])).media == {"images"}
    assert not said(("user", f'"type": "{kind}"')).media
    assert of(input=[{"role": "user", "content": [{"type": kind}]}]).media


def test_tools_and_schemas() -> None:
    assert of(tools=[{"type": "function"}]).tools
    assert not of(tools=[]).tools
    assert of(response_format={"type": "json_schema"}).json_schema
    assert of(text={"format": {"type": "json_schema"}}).json_schema
    assert not of(response_format={"type": "json_object"}).json_schema


def test_metadata_of_text_only() -> None:
    assert of(metadata={"a": "b", "n": 1}).metadata == {"a": "b"}
    assert of(metadata="x").metadata == {}


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["user", "metadata", "messages", "input", "prompt", "tools", "text", "response_format", "max_tokens"]


def read_all(given: Facts) -> None:
    for name in ("fields", "prompt", "max_tokens", "metadata", "tools", "json_schema", "media", "conversation"):
        getattr(given, name)


@given(st.dictionaries(st.sampled_from(FIELDS), json))
def test_no_shape_makes_it_fail(body: dict[str, object]) -> None:
    read_all(of(**body))


@given(st.binary(max_size=50))
def test_what_is_no_json_says_nothing(body: bytes) -> None:
    given = facts(body)
    read_all(given)
    assert given.fields or (given.conversation, given.max_tokens, given.tools) == ("", None, False)


@pytest.mark.parametrize("body", [b'{"model":"m","n":1}', b'{"model": "m", "n": 1}', b' {"mod\\u0065l":"m","n":1}'])
def test_fields_are_the_same_objects_each_time_and_however_the_body_is_written(body: bytes) -> None:
    peeked = peek(FAMILY["chat"], body, b"application/json")
    assert peeked.fields is peeked.fields
    assert {name: bytes(raw) for name, raw in peeked.fields.items()} == {"model": b'"m"', "n": b"1"}


def test_an_image_within_a_tools_result_is_an_image() -> None:
    assert said(("user", [{"type": "tool_result", "content": [{"type": "image", "source": {}}]}])).media == {"images"}


def test_functions_are_tools() -> None:
    assert of(functions=[{"name": "f"}]).tools
