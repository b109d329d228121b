"""The continuation request: the client's request with the text so far appended and its limits reduced."""

from typing import Any

import msgspec

from backends.contract.facts import Facts

_Raw = dict[str, msgspec.Raw]


def continuation(facts: Facts, text: str, most: int | None, least: int | None) -> bytes:
    """The body that asks to go on after ``text``; ``most`` and ``least`` tokens are what is left of the limits.

    vLLM leaves the last message open when told ``continue_final_message`` and no ``add_generation_prompt``.
    """
    fields = dict(facts.fields)
    if facts.family.name == "completions":
        fields["prompt"] = _raw(msgspec.json.decode(fields["prompt"], type=str) + text)
    else:
        open = bytes(fields.get("continue_final_message", b"")) == b"true"
        fields["messages"] = _raw(_messages(fields["messages"], text, open))
        fields["continue_final_message"], fields["add_generation_prompt"] = msgspec.Raw(b"true"), msgspec.Raw(b"false")
    if most is not None:
        given = [key for key in ("max_tokens", "max_completion_tokens") if key in fields]
        for key in given or ["max_tokens"]:
            fields[key] = _raw(most)
    if least is not None:
        fields["min_tokens"] = _raw(least)
    return msgspec.json.encode(fields)


def _messages(given: msgspec.Raw, text: str, open: bool) -> list[Any]:
    messages: list[Any] = list(msgspec.json.decode(given, type=list[msgspec.Raw]))
    if open:
        last = msgspec.json.decode(messages[-1], type=_Raw)
        last["content"] = _raw(msgspec.json.decode(last["content"], type=str) + text)
        messages[-1] = last
    else:
        messages.append({"role": "assistant", "content": text})
    return messages


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
