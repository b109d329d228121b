"""What will be said is settled at the start: cut, continued and bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.engine.errors import Refusal
from backends.engine.prompt import Prompt, chat, plain
from backends.engine.request_plan import Choice, Limits, Script, choose
from backends.engine.requests import Message, Sampled

PROMPT = plain(b"once upon a time")


def one(prompt: Prompt, asked: Sampled, room: int = 1000, script: Script | None = None) -> Choice:
    (choice,) = choose(prompt, asked, room, 16, script)
    return choice


@given(st.integers(0, 9), st.data())
def test_a_text_can_be_continued_from_any_token(seed: int, data: st.DataObject) -> None:
    asked = Sampled(seed=seed)
    user = Message("user", "tell me")
    whole = one(chat([user]), asked)
    at = data.draw(st.integers(1, len(whole.pieces) - 1))
    said = Message("assistant", whole.text(0, at))
    rest = one(chat([user, said], continue_final=True), asked)
    assert rest.pieces == whole.pieces[at:]
    assert rest.finish == whole.finish


def test_a_finished_text_continues_with_nothing() -> None:
    user = Message("user", "tell me")
    whole = one(chat([user]), Sampled())
    rest = one(chat([user, Message("assistant", whole.text())], continue_final=True), Sampled())
    assert (rest.text(), rest.finish, rest.work.output_tokens) == ("", "stop", 1)


def test_a_script_can_be_continued_too() -> None:
    user = Message("user", "json")
    rest = one(chat([user, Message("assistant", '{"a"')], continue_final=True), Sampled(), script=Script('{"a":"é"}'))
    assert rest.text() == ':"é"}'


def test_room_cuts_and_says_length() -> None:
    choice = one(PROMPT, Sampled(), room=5)
    assert (len(choice.pieces), choice.finish, choice.work.output_tokens) == (5, "length", 5)


def test_a_text_that_just_fits_its_room_ends_by_length_as_there_is_none_for_the_end_token() -> None:
    whole = one(PROMPT, Sampled())
    assert one(PROMPT, Sampled(), room=len(whole.pieces)).finish == "length"
    assert one(PROMPT, Sampled(), room=len(whole.pieces) + 1).finish == "stop"


def test_ignore_eos_and_min_tokens_outlast_the_natural_end() -> None:
    whole = one(PROMPT, Sampled())
    assert len(one(PROMPT, Sampled(ignore_eos=True), room=700).pieces) == 700
    longer = one(PROMPT, Sampled(min_tokens=300))
    assert len(longer.pieces) == 300
    assert longer.text().startswith(whole.text())


def test_the_first_stop_string_ends_the_text_before_it() -> None:
    whole = one(PROMPT, Sampled())
    early, late = whole.pieces[3], whole.pieces[5]
    choice = one(PROMPT, Sampled(stop=[late, early]))
    assert choice.text() == whole.text()[: whole.text().index(early)]
    assert (choice.finish, choice.stop) == ("stop", early)


def test_a_stop_string_beyond_the_room_does_not_count() -> None:
    next_word = one(PROMPT, Sampled(ignore_eos=True), room=3).pieces[2]
    cut = one(PROMPT, Sampled(stop=next_word, ignore_eos=True), room=2)
    heard = one(PROMPT, Sampled(stop=next_word, ignore_eos=True), room=3)
    assert (cut.finish, cut.stop) == ("length", None)
    assert (heard.finish, heard.stop, heard.text()) == ("stop", next_word, cut.text())


def test_choices_differ_and_equal_requests_do_not() -> None:
    asked = Sampled(n=3, seed=7)
    texts = [choice.text() for choice in choose(PROMPT, asked, 1000, 16)]
    assert len(set(texts)) == 3
    assert texts == [choice.text() for choice in choose(PROMPT, asked, 1000, 16)]


def test_a_prompt_that_leaves_no_room_is_refused_with_the_limit() -> None:
    with pytest.raises(Refusal, match="maximum context length is 4 tokens") as refused:
        Limits(4, 16).room(PROMPT, None)
    assert refused.value.status == 400


def test_more_than_the_room_is_refused_with_the_limit() -> None:
    with pytest.raises(Refusal, match=r"too large: 7.*maximum context length is 10 tokens"):
        Limits(10, 16).room(PROMPT, 7)
    assert Limits(10, 16).room(PROMPT, 6) == 6
    assert Limits(10, 16).room(PROMPT, None) == 6
