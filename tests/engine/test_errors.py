"""What goes wrong for a client. Rule: the engine's own words, OpenAI's envelope, and no engine blamed for it."""

from typing import Any

import httpx
import openai
import pytest

from tests.engine.prompts import HELLO, long_prompt
from tests.engine.vllm import MAX_MODEL_LEN

TOO_LONG: list[Any] = [{"role": "user", "content": long_prompt(12000)}]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_prompt_too_long_is_refused_with_the_maximum(client: openai.OpenAI, stream: Any) -> None:
    with pytest.raises(openai.BadRequestError, match=str(MAX_MODEL_LEN)) as caught:
        client.chat.completions.create(model="pool-only", messages=TOO_LONG, max_tokens=4, stream=stream)
    assert caught.value.response.headers["x-request-id"]


@pytest.mark.parametrize("field", [{"temperature": "hot"}, {"max_tokens": -1}, {"messages": "hello"}], ids=str)
def test_a_bad_field_is_named(client: openai.OpenAI, field: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="chat", messages=HELLO, extra_body=field)
    assert isinstance(caught.value.body, dict)
    assert set(caught.value.body) >= {"message", "type", "param", "code"}
    assert next(iter(field)) in f"{caught.value.body}"


def test_a_model_nobody_serves_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nobody", messages=HELLO)
    assert caught.value.code == "model_not_found"


def test_the_engines_own_name_for_its_model_is_not_a_public_one(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="tiny", messages=HELLO)


def test_a_wrong_key_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-wrong").chat.completions.create(model="chat", messages=HELLO)


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b""], ids=["cut", "list", "not-utf8", "empty"])
def test_a_body_that_is_no_object_is_refused(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_clients_faults_cost_no_engine_its_place(client: openai.OpenAI) -> None:
    """More faults than any breaker allows, and yet the next request is answered by the pool."""
    for _ in range(24):
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(model="pool-only", messages=HELLO, max_tokens=-1)
    answer = client.chat.completions.with_raw_response.create(model="pool-only", messages=HELLO, max_tokens=1)
    assert answer.headers["x-cloverleaf-deployment"] == "pool"
    assert answer.headers["x-cloverleaf-attempts"] == "1"
