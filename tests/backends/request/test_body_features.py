"""The wider look at a body: what it finds, and that nothing makes it fail."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.request.body_features import Traits, traits


def of(**body: object) -> Traits:
    return traits(msgspec.json.encode(body))


def said(*messages: tuple[str, object], **more: object) -> Traits:
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
    assert said(("user", [{"type": "text", "text": "what?"}, {"type": kind}])).images
    assert not said(("user", f'"type": "{kind}"')).images
    assert of(input=[{"role": "user", "content": [{"type": kind}]}]).images


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


@given(st.dictionaries(st.sampled_from(FIELDS), json))
def test_no_shape_makes_it_fail(body: dict[str, object]) -> None:
    assert isinstance(traits(msgspec.json.encode(body)), Traits)


@given(st.binary(max_size=50))
def test_what_is_no_json_has_no_traits(body: bytes) -> None:
    assert isinstance(traits(body), Traits)
