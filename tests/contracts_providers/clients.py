"""Clients. Rule: what a client makes of a stream, put together by the published meaning of each delta alone."""

from collections.abc import Mapping
from typing import Any

import msgspec


def chat(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The chat.completion that the chunks spell."""
    head = {key: chunks[0][key] for key in ("id", "created", "model")}
    choices: dict[int, dict[str, Any]] = {}
    usage = None
    for chunk in chunks:
        assert {key: chunk[key] for key in head} == head
        usage = chunk.get("usage") or usage
        for piece in chunk["choices"]:
            choice = choices.setdefault(piece["index"], {"message": {}, "finish_reason": None, "logprobs": []})
            choice["finish_reason"] = piece["finish_reason"] or choice["finish_reason"]
            choice["logprobs"] += (piece["logprobs"] or {}).get("content") or []
            _chat_delta(choice["message"], piece["delta"])
    return {**head, "choices": [choices[i] for i in sorted(choices)], "usage": usage}


def _chat_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for key, value in delta.items():
        if key == "tool_calls":
            calls = message.setdefault("tool_calls", [])
            for call in value:
                _chat_call(calls, call)
        elif key == "reasoning_details":
            message.setdefault(key, []).extend(value)
        elif key == "role":
            message[key] = value
        else:
            message[key] = message.get(key, "") + (value or "")


def _chat_call(calls: list[dict[str, Any]], delta: dict[str, Any]) -> None:
    if delta["index"] == len(calls):
        rest = {key: value for key, value in delta.items() if key != "index"}
        calls.append({**rest, "function": dict(delta["function"])})
    else:
        calls[delta["index"]]["function"]["arguments"] += delta["function"]["arguments"]


def chat_whole(body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat.completion in the shape that `chat` gives: absent is the same as null or empty."""
    choices = []
    for choice in body["choices"]:
        message = {"content": "", **{key: value for key, value in choice["message"].items() if value is not None}}
        logprobs = (choice["logprobs"] or {}).get("content") or []
        choices.append({"message": message, "finish_reason": choice["finish_reason"], "logprobs": logprobs})
    head = {key: body[key] for key in ("id", "created", "model")}
    return {**head, "choices": choices, "usage": body.get("usage")}


def messages(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The message that the events spell: blocks one after the other, each opened and closed."""
    message: dict[str, Any] = {}
    arguments: list[str] = []
    assert [event["type"] for event in events][:1] == ["message_start"]
    assert events[-1]["type"] == "message_stop"
    for event in events:
        match event["type"]:
            case "message_start":
                message = {**event["message"], "content": []}
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(dict(event["content_block"]))
                arguments = []
            case "content_block_delta":
                assert event["index"] == len(message["content"]) - 1
                _block_delta(message["content"][-1], event["delta"], arguments)
            case "content_block_stop" if message["content"][-1]["type"] == "tool_use":
                message["content"][-1]["input"] = msgspec.json.decode("".join(arguments))
            case "message_delta":
                message |= event["delta"] | {"usage": event["usage"]}
    return message


def _block_delta(block: dict[str, Any], delta: dict[str, Any], arguments: list[str]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            arguments.append(delta["partial_json"])


def responses(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The response that the events spell: its items put together by their deltas, the rest as the last event says."""
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    items: list[dict[str, Any]] = []
    for event in events[2:-1]:
        kind = event["type"].removeprefix("response.")
        if kind == "output_item.added":
            assert event["output_index"] == len(items)
            items.append(event["item"])
        elif kind == "output_item.done":
            assert {**items[-1], "status": "completed"} == {
                key: value for key, value in event["item"].items() if key != "encrypted_content"
            }
            items[-1] = event["item"]
        else:
            assert event["item_id"] == items[-1]["id"]
            _item_event(items[-1], kind, event)
    assert events[-1]["response"]["output"] == items
    return dict(events[-1]["response"])


def _item_event(item: dict[str, Any], kind: str, event: dict[str, Any]) -> None:
    match kind:
        case "content_part.added":
            assert event["content_index"] == len(item["content"])
            item["content"].append(event["part"])
        case "output_text.delta":
            item["content"][-1]["text"] += event["delta"]
        case "refusal.delta":
            item["content"][-1]["refusal"] += event["delta"]
        case "content_part.done":
            assert item["content"][-1] == event["part"]
        case "reasoning_summary_part.added":
            item["summary"].append(event["part"])
        case "reasoning_summary_text.delta":
            item["summary"][-1]["text"] += event["delta"]
        case "function_call_arguments.delta":
            item["arguments"] += event["delta"]
        case "function_call_arguments.done":
            assert item["arguments"] == event["arguments"]
