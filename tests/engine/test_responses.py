"""The Responses API, as the engines speak it natively."""

import openai
import pytest


def test_a_response_comes_whole(client: openai.OpenAI) -> None:
    response = client.responses.create(model="chat", input="import os", max_output_tokens=4, temperature=0)
    assert response.model == "tiny"
    assert response.status in {"completed", "incomplete"}
    assert response.output_text
    assert response.usage
    assert response.usage.output_tokens <= 4


def test_a_streamed_response_says_what_the_whole_one_says(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="chat", input="import os", max_output_tokens=8, temperature=0)
    events = list(
        client.responses.create(model="chat", input="import os", max_output_tokens=8, temperature=0, stream=True)
    )
    assert events[0].type == "response.created"
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole.output_text
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == whole.output_text
    assert last.response.usage
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_response_from_a_list_of_items(client: openai.OpenAI) -> None:
    items = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "import os"}]
    response = client.responses.create(model="chat", input=items, max_output_tokens=4)
    assert response.output[0].type == "message"


def test_a_bad_field_is_the_clients_fault(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        client.responses.create(model="chat", input="import os", temperature="hot")
