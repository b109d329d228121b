"""Request fields that forbid or restrict a continuation. What is not known to be harmless is named."""

from collections.abc import Mapping
from typing import Any

import msgspec

from backends.contract.facts import Facts

#: field -> values that change nothing; another value is one a continuation would not honour.
NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "n": (None, 1),
    "best_of": (None, 1),
    "use_beam_search": (None, False),
    "logprobs": (None, False),
    "top_logprobs": (None, 0),
    "prompt_logprobs": (None,),
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "repetition_penalty": (None, 1),
    "tool_choice": (None, "auto", "none"),
    "function_call": (None, "auto", "none"),
    "echo": (None, False),
    "suffix": (None, ""),
    "audio": (None,),
    "chat_template": (None,),  # the engine's own was probed
    "structured_outputs": (None,),
    "guided_json": (None,),
    "guided_regex": (None,),
    "guided_choice": (None,),
    "guided_grammar": (None,),
    "truncate_prompt_tokens": (None,),
    "return_token_ids": (None, False),
    "return_tokens_as_token_ids": (None, False),
}
COMPLETION_DEFAULT = 16  # OpenAI's max_tokens of /v1/completions where none is given


class Asked(msgspec.Struct, frozen=True):
    """``obstacle``: the first field that a continuation would not honour. ``stops``: stop strings."""

    obstacle: str
    choices: int
    repeatable: bool
    most: int | None
    least: int | None
    stops: tuple[str, ...]
    include_stop: bool
    include_usage: bool


#: Of a body that cannot be read in full nothing is known, not even for how many choices it asks.
UNREADABLE = Asked(
    obstacle="body",
    choices=2,
    repeatable=False,
    most=None,
    least=None,
    stops=(),
    include_stop=False,
    include_usage=False,
)


def read(facts: Facts) -> Asked:
    """What the body of a chat or a completion asks of whoever continues its answer."""
    family = facts.family.name
    try:
        fields = {name: msgspec.json.decode(raw) for name, raw in facts.fields.items()}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # routing reads the outermost keys only
        return UNREADABLE
    if not fields:
        return UNREADABLE
    most = [fields[key] for key in ("max_completion_tokens", "max_tokens") if isinstance(fields.get(key), int)]
    if not most and family == "completions":
        most = [COMPLETION_DEFAULT]
    least = fields.get("min_tokens")
    stop = fields.get("stop")
    options = fields.get("stream_options")
    n = fields.get("n")
    return Asked(
        obstacle=_obstacle(family, fields),
        choices=n if isinstance(n, int) else 1,
        repeatable=fields.get("temperature") == 0 or isinstance(fields.get("seed"), int),
        most=most[0] if most else None,
        least=least if isinstance(least, int) else None,
        stops=tuple(s for s in ([stop] if isinstance(stop, str) else stop or ()) if isinstance(s, str) and s),
        include_stop=fields.get("include_stop_str_in_output") is True,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def _obstacle(family: str, fields: Mapping[str, Any]) -> str:
    for field, neutral in NEUTRAL.items():
        value = fields.get(field)
        if not any(value == each and isinstance(value, bool) == isinstance(each, bool) for each in neutral):
            return field
    form = fields.get("response_format")
    if form is not None and not (isinstance(form, dict) and form.get("type") == "text"):
        return "response_format"
    if family == "completions":
        return "" if isinstance(fields.get("prompt"), str) else "prompt"
    return _chat_obstacle(fields)


def _chat_obstacle(fields: Mapping[str, Any]) -> str:
    messages = fields.get("messages")
    if not isinstance(messages, list) or not messages:
        return "messages"
    if fields.get("modalities") not in (None, ["text"]):
        return "modalities"
    last = messages[-1]
    if fields.get("continue_final_message") is True:  # the client's own prefill: it must be a text that can grow
        return "" if isinstance(last, dict) and isinstance(last.get("content"), str) else "continue_final_message"
    return "add_generation_prompt" if fields.get("add_generation_prompt") is False else ""
