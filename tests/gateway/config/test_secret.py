"""A secret shows itself to nobody who does not ask."""

import pickle

import msgspec
import pytest

from gateway.config.secret import MASK, Secret


def test_a_secret_prints_masked_everywhere():
    secret = Secret("canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]}"
    assert str(secret) == MASK


def test_only_reveal_gives_the_text():
    assert Secret("canary").reveal() == "canary"


def test_secrets_are_equal_when_their_texts_are():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_is_not_serialised():
    for write in (msgspec.json.encode, pickle.dumps):
        with pytest.raises(TypeError) as caught:
            write(Secret("canary"))
        assert "canary" not in str(caught.value)


def test_an_empty_secret_is_falsy():
    assert not Secret("")
    assert Secret("x")
