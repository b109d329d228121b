"""The Responses API through the official client."""

import httpx

from .conftest import Connect, Serve


async def test_a_response_is_complete(serve: Serve, sdk: Connect) -> None:
    response = await sdk(await serve()).responses.create(model="demo", input="hello", instructions="be brief")
    assert response.status == "completed"
    assert response.output_text
    assert response.usage is not None
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


async def test_a_response_cut_short_says_so(serve: Serve, sdk: Connect) -> None:
    response = await sdk(await serve()).responses.create(model="demo", input="hello", max_output_tokens=3)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"


async def test_events_are_numbered_and_add_up_to_the_response(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve())
    events = [event async for event in await client.responses.create(model="demo", input="hello", stream=True)]
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == text


async def test_a_conversation_may_hold_items_that_are_no_messages(serve: Serve, http: httpx.AsyncClient) -> None:
    items = [
        {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
        {"type": "function_call_output", "call_id": "1", "output": "sunny"},
    ]
    reply = await http.post(f"{await serve()}/v1/responses", json={"input": items})
    assert reply.json()["status"] == "completed"


async def test_an_unknown_model_is_refused(serve: Serve, http: httpx.AsyncClient) -> None:
    reply = await http.post(f"{await serve()}/v1/responses", json={"input": "x", "model": "other"})
    assert reply.status_code == 404
