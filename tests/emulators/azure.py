"""Azure OpenAI, emulated. Rule: both kinds of URL, a key or an Entra token, and content filters in every answer.

``/openai/deployments/NAME/...?api-version=V`` and ``/openai/v1/...`` with the deployment's name as ``model``. The n-th
request that is let in plays the n-th play, and later ones the last.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from tests.contracts.scripted import EVENTS, Call, begin, whole
from tests.emulators.heads import problem

API_VERSION = "2024-10-21"
_SAFE = {kind: {"filtered": False, "severity": "safe"} for kind in ("hate", "self_harm", "sexual", "violence")}
_USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}


class Says(msgspec.Struct, frozen=True):
    """An answer of that text. ``ending``, of a stream: ``whole``, ``cut`` or ``filtered`` (stopped by the filter).

    ``thought``: the reasoning that open models there show; ``calls``: name and arguments of each tool called.
    """

    text: str = "Hello from Azure."
    thought: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    ending: str = "whole"
    lines: tuple[str, ...] = ("x-ratelimit-remaining-requests: 99", "x-ratelimit-remaining-tokens: 9900")


class Refuses(msgspec.Struct, frozen=True):
    """An error in place of an answer."""

    status: int
    code: str
    message: str = "scripted"
    lines: tuple[str, ...] = ()
    inner: dict[str, Any] | None = None


FILTERED = Refuses(
    400,
    "content_filter",
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    inner={
        "code": "ResponsibleAIPolicyViolation",
        "content_filter_result": {**_SAFE, "violence": {"filtered": True, "severity": "high"}},
    },
)
THROTTLED = Refuses(
    429,
    "429",
    "Requests to the ChatCompletions_Create Operation have exceeded the call rate limit. Please retry after 6 seconds.",
    ("retry-after: 6", "retry-after-ms: 5800", "x-ratelimit-remaining-requests: 0"),
)


class Azure:
    """A script for ``tests.contracts.scripted.upstream``. ``asked``: target and body of what was let in."""

    def __init__(
        self, *plays: Says | Refuses, deployment: str = "dep", key: str = "azure-key", token: str = ""
    ) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.api_version = API_VERSION
        self._plays = plays or (Says(),)
        self._deployment = deployment
        self._key = key
        self._token = token

    async def __call__(self, call: Call) -> None:
        body = msgspec.json.decode(call.body)
        refused = self._unknown(call) or self._misplaced(call.target, body)
        if refused is not None:
            await _refuse(call, refused)
            return
        self.asked.append((call.target, body))
        play = self._plays[min(len(self.asked), len(self._plays)) - 1]
        if isinstance(play, Refuses):
            await _refuse(call, play)
        elif urlsplit(call.target).path.endswith("/embeddings"):
            await whole(msgspec.json.encode(_embeddings(body)), *play.lines)(call)
        elif body.get("stream"):
            await _stream(call, play, body)
        else:
            await whole(msgspec.json.encode(_answer(play)), *play.lines, "apim-request-id: a-1")(call)

    def _unknown(self, call: Call) -> Refuses | None:
        if wrong := problem(call, "openai-"):
            return Refuses(400, "400", wrong)
        bearer = call.headers.get("authorization", "")
        if self._token and bearer == f"Bearer {self._token}":
            return None
        if call.headers.get("api-key") == self._key and not bearer:
            return None
        return Refuses(401, "401", "Access denied due to invalid subscription key or wrong API endpoint.")

    def _misplaced(self, target: str, body: dict[str, Any]) -> Refuses | None:
        parts = urlsplit(target)
        kind, _, rest = parts.path.removeprefix("/openai/").partition("/")
        if kind == "v1" and not parts.query:
            name = body.get("model")
        elif kind == "deployments" and parse_qs(parts.query) == {"api-version": [self.api_version]}:
            name, _, rest = rest.partition("/")
        else:
            return Refuses(404, "404", "Resource not found")
        if rest not in ("chat/completions", "embeddings"):
            return Refuses(404, "404", "Resource not found")
        if name != self._deployment:
            return Refuses(404, "DeploymentNotFound", "The API deployment for this resource does not exist.")
        return None


def _call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _answer(play: Says) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": play.text or None, "refusal": None}
    if play.thought:
        message["reasoning_content"] = play.thought
    if play.calls:
        message["tool_calls"] = [_call(index, *called) for index, called in enumerate(play.calls)]
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "tool_calls" if play.calls else "stop",
        "logprobs": None,
        "content_filter_results": _SAFE,
    }
    filters = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    head = {"id": "chatcmpl-az", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-11-20"}
    return {**head, "choices": [choice], "usage": _USAGE, "prompt_filter_results": filters}


def _embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """A vector of two numbers, as base64 where that is asked."""
    vector = "AACAPwAAAEA=" if body.get("encoding_format") == "base64" else [1.0, 2.0]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": vector}]} | {
        "usage": usage
    }


async def _stream(call: Call, play: Says, body: dict[str, Any]) -> None:
    """The first event has filters and no choice; then deltas, a finish, usage where it was asked for, [DONE]."""
    wants = (body.get("stream_options") or {}).get("include_usage")
    head = {"id": "chatcmpl-az", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-2024-11-20"}
    filters = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    none = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": filters}

    async def say(**fields: object) -> None:
        await call.chunk(b"data: " + msgspec.json.encode(fields) + b"\n\n")

    def choice(delta: dict[str, Any], finish: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "finish_reason": finish, "content_filter_results": _SAFE}]

    await begin(call, EVENTS)
    await say(**none)
    await say(**head, choices=choice({"role": "assistant", "content": ""}))
    for delta in _deltas(play):
        await say(**head, choices=choice(delta))
    if play.ending == "cut":
        call.cut()
        return
    stop = "tool_calls" if play.calls else "stop"
    await say(**head, choices=choice({}, "content_filter" if play.ending == "filtered" else stop))
    if wants:
        await say(**head, choices=[], usage=_USAGE)
    await call.chunk(b"data: [DONE]\n\n")
    await call.send(b"0\r\n\r\n")


def _deltas(play: Says) -> Iterator[dict[str, Any]]:
    """The thought, the text and each call, in pieces."""
    if play.thought:
        yield from ({"reasoning_content": piece} for piece in _pieces(play.thought))
    yield from ({"content": piece} for piece in _pieces(play.text))
    for index, (name, arguments) in enumerate(play.calls):
        yield {"tool_calls": [{"index": index, **_call(index, name, "")}]}
        yield from (
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in _pieces(arguments)
        )


def _pieces(text: str) -> list[str]:
    return [text[at : at + 5] for at in range(0, len(text), 5)]


async def _refuse(call: Call, refused: Refuses) -> None:
    error: dict[str, Any] = {"code": refused.code, "message": refused.message}
    if refused.inner is not None:
        error |= {"param": "prompt", "type": None, "status": refused.status, "innererror": refused.inner}
    await whole(msgspec.json.encode({"error": error}), *refused.lines, status=refused.status)(call)
