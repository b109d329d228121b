"""AWS Bedrock's runtime, emulated. Rule: signatures are checked, requests validated, and one play is told both ways.

The n-th request that is let in plays the n-th play, and later ones the last. A play is what the model says
(``Says``), streamed or whole as the caller asks, or a refusal (``Refuses``), or ``Says`` that ends badly.
"""

from typing import Any
from urllib.parse import unquote

import msgspec

from tests.contracts.scripted import Call, whole
from tests.emulators.anthropic import Says as Claude
from tests.emulators.aws_signature import Identity, problem
from tests.emulators.converse_rules import Refused, Rules
from tests.emulators.event_stream import event, exception, spoiled
from tests.emulators.heads import problem as misheaded
from tests.emulators.hosted_claude import Hosted, frames
from tests.emulators.hosted_claude import whole as claude_whole

STREAM = "application/vnd.amazon.eventstream"
USAGE = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}
_STATUS = {
    "ThrottlingException": 429, "ModelNotReadyException": 429, "ServiceUnavailableException": 503,
    "InternalServerException": 500, "ModelTimeoutException": 408, "ModelErrorException": 424,
    "ServiceQuotaExceededException": 400, "ValidationException": 400, "AccessDeniedException": 403,
    "UnrecognizedClientException": 403, "InvalidSignatureException": 403, "ResourceNotFoundException": 404,
}  # fmt: skip


class Says(msgspec.Struct, frozen=True):
    """An answer: Converse content blocks, why it stopped, and its usage.

    ``ending``, of a stream: ``whole``; ``cut`` (the connection breaks), ``short`` (it ends in order, but early),
    ``spoiled`` (a frame's CRC is wrong) or the name of an in-stream exception; all of them before the stop.
    """

    blocks: tuple[dict[str, Any], ...] = ({"text": "Hello from the cloud."},)
    stop: str = "end_turn"
    usage: dict[str, Any] = msgspec.field(default_factory=lambda: dict(USAGE))
    ending: str = "whole"
    detail: dict[str, Any] = {}  # fields of the in-stream exception


class Refuses(msgspec.Struct, frozen=True):
    """An error in place of an answer."""

    kind: str
    message: str = "scripted"


class Bedrock:
    """A script for ``tests.contracts.scripted.upstream``. ``asked``: operation, model and body of what was let in."""

    def __init__(self, *plays: Says | Refuses, identity: Identity | None = None, api_key: str = "") -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.claude = Hosted("bedrock-2023-05-31", frozenset({"anthropic_beta"}))
        self._plays = plays or (Says(),)
        self._identity = identity or Identity()
        self._api_key = api_key
        self._rules = Rules()

    async def __call__(self, call: Call) -> None:
        wrong = self._unknown(call)
        if wrong is not None:
            await _refuse(call, wrong)
            return
        _, model, operation = call.target.strip("/").split("/")
        body = msgspec.json.decode(call.body)
        if "anthropic." in model and operation.startswith("invoke"):
            await _invoke(call, self.claude, unquote(model), body, streams=operation != "invoke")
            return
        try:
            self._check(operation, unquote(model), body)
        except Refused as refused:
            await _refuse(call, Refuses("ValidationException", str(refused)))
            return
        self.asked.append((operation, unquote(model), body))
        play = self._plays[min(len(self.asked), len(self._plays)) - 1]
        if isinstance(play, Refuses):
            await _refuse(call, play)
        elif operation == "converse-stream":
            await _stream(call, play)
        elif operation == "converse":
            await whole(msgspec.json.encode(message(play)))(call)
        else:
            await _embed(call, unquote(model), body)

    def _unknown(self, call: Call) -> Refuses | None:
        invoked = "anthropic." in call.target and "/invoke" in call.target  # where Anthropic's own SDK asks
        if wrong := misheaded(call, "x-amz", *(("anthropic-",) if invoked else ())):
            return Refuses("ValidationException", wrong)
        given = call.headers.get("authorization", "")
        if self._api_key and given.startswith("Bearer "):
            good = given == f"Bearer {self._api_key}"
            return None if good else Refuses("AccessDeniedException", "Authentication failed: API Key is not valid.")
        unsigned = problem(self._identity, call.target, call.headers, call.body)
        return None if unsigned is None else Refuses("InvalidSignatureException", unsigned)

    def _check(self, operation: str, model: str, body: dict[str, Any]) -> None:
        names = {"converse": "Converse", "converse-stream": "ConverseStream"}
        if "/" in model and not model.startswith("arn:"):
            raise Refused("The provided model identifier is invalid.")
        if operation in names:
            self._rules.check(names[operation], model, body)


def message(play: Says) -> dict[str, Any]:
    """The body of a whole answer."""
    return {
        "output": {"message": {"role": "assistant", "content": list(play.blocks)}},
        "stopReason": play.stop,
        "usage": play.usage,
        "metrics": {"latencyMs": 42},
    }


async def _refuse(call: Call, refused: Refuses) -> None:
    body = msgspec.json.encode({"message": refused.message})
    kind = f"x-amzn-ErrorType: {refused.kind}:http://internal.amazon.com/coral/com.amazon.bedrock/"
    await whole(body, kind, "x-amzn-RequestId: 7d3c", status=_STATUS[refused.kind])(call)


def stream(play: Says) -> list[bytes]:
    """The frames of a streamed answer."""
    frames = [event("messageStart", {"role": "assistant"})]
    for index, block in enumerate(play.blocks):
        frames += _block(index, block)
    end = [event("messageStop", {"stopReason": play.stop})]
    end.append(event("metadata", {"usage": play.usage, "metrics": {"latencyMs": 42}}))
    if play.ending == "whole":
        frames += end
    elif play.ending == "spoiled":
        frames[-1] = spoiled(frames[-1])
    elif play.ending == "cut":
        frames[-1] = frames[-1][:-5]
    elif play.ending != "short":
        frames.append(exception(play.ending, message="scripted", **play.detail))
    return frames


async def _stream(call: Call, play: Says) -> None:
    await call.send(f"HTTP/1.1 200 OK\r\ncontent-type: {STREAM}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
    for data in stream(play):
        await call.chunk(data)
    if play.ending == "cut":
        call.cut()
    else:
        await call.send(b"0\r\n\r\n")


def _block(index: int, block: dict[str, Any]) -> list[bytes]:
    """The frames of one content block: a start for tools only, fragments, a stop."""

    def delta(value: object) -> bytes:
        return event("contentBlockDelta", {"contentBlockIndex": index, "delta": value})

    frames = []
    if "toolUse" in block:
        use = block["toolUse"]
        start = {"toolUseId": use["toolUseId"], "name": use["name"]}
        frames.append(event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": start}}))
        frames += [delta({"toolUse": {"input": part}}) for part in _pieces(msgspec.json.encode(use["input"]).decode())]
    elif "reasoningContent" in block:
        thought = block["reasoningContent"]
        text = thought.get("reasoningText", {})
        frames += [delta({"reasoningContent": {"text": part}}) for part in _pieces(text.get("text", ""))]
        if "signature" in text:
            frames.append(delta({"reasoningContent": {"signature": text["signature"]}}))
        if "redactedContent" in thought:
            frames.append(delta({"reasoningContent": {"redactedContent": thought["redactedContent"]}}))
    else:
        frames += [delta({"text": part}) for part in _pieces(block["text"])]
    return [*frames, event("contentBlockStop", {"contentBlockIndex": index})]


def _pieces(text: str) -> list[str]:
    return [text[at : at + 5] for at in range(0, len(text), 5)]


async def _invoke(call: Call, claude: Hosted, model: str, body: dict[str, Any], *, streams: bool) -> None:
    """Claude in Anthropic's own words, by InvokeModel."""
    problem = claude.problem(body) or ("stream: Extra inputs are not permitted" if "stream" in body else "")
    said = None if problem else claude.play(body)
    if not isinstance(said, Claude):
        await _refuse(call, Refuses("ValidationException", problem or "scripted"))
    elif streams:
        await call.send(f"HTTP/1.1 200 OK\r\ncontent-type: {STREAM}\r\ntransfer-encoding: chunked\r\n\r\n".encode())
        for frame in frames(said, model):
            await call.chunk(frame)
        await call.send(b"0\r\n\r\n")
    else:
        await whole(claude_whole(said, model))(call)


async def _embed(call: Call, model: str, body: dict[str, Any]) -> None:
    """Titan takes one text, Cohere a list; a vector's first number is the length of its text."""
    if "titan-embed" in model:
        if not isinstance(body.get("inputText"), str):
            await _refuse(call, Refuses("ValidationException", "Malformed input request: inputText is required"))
            return
        size = body.get("dimensions", 4)
        answer: object = {"embedding": _vector(body["inputText"], size), "inputTextTokenCount": len(body["inputText"])}
        tokens = len(body["inputText"])
    else:
        if body.get("input_type") not in ("search_document", "search_query", "classification", "clustering"):
            await _refuse(call, Refuses("ValidationException", "Malformed input request: input_type is required"))
            return
        vectors = [_vector(text, 4) for text in body["texts"]]
        typed = {"embeddings": {"float": vectors}} if "embedding_types" in body else {"embeddings": vectors}
        answer = {"id": "e-1", "texts": body["texts"], "response_type": "embeddings_floats", **typed}
        tokens = sum(map(len, body["texts"]))
    await whole(msgspec.json.encode(answer), f"x-amzn-bedrock-input-token-count: {tokens}")(call)


def _vector(text: str, size: int) -> list[float]:
    return [float(len(text))] + [0.5] * (size - 1)
