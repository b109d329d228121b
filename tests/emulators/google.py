"""Google, emulated. Rule: it serves the Gemini API and Vertex AI as they do: checks who asks and how, then answers.

It is a script of `tests.contracts.scripted.Upstream`, so that it can also cut a stream. ``faults`` are names out of
`google_faults.FAULTS`, each the fate of one generate or embed call, in turn.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from tests.contracts.scripted import Call, Upstream, begin
from tests.emulators.anthropic import Refuses
from tests.emulators.google_faults import FAULTS, Fate, error
from tests.emulators.google_model import Reply, embed, generate, tokens
from tests.emulators.google_request import Refused, camel, check
from tests.emulators.google_tokens import Tokens
from tests.emulators.heads import problem
from tests.emulators.hosted_claude import Hosted, refusal, sse, whole

GEMINI = re.compile(r"/v1(?:beta)?/models/(?P<model>[^/:]+):(?P<verb>\w+)$")
VERTEX = re.compile(
    r"/v1(?:beta1)?/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/google/models/"
    r"(?P<model>[^/:]+):(?P<verb>\w+)$"
)
CLAUDE = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/anthropic/models/"
    r"(?P<model>[^/:]+):(?P<verb>rawPredict|streamRawPredict)$"
)
KEY = "AIza-emulated"


class Google:
    """Both doors of Google, and the places that give out tokens. ``asked``: the bodies of the calls it let in."""

    def __init__(self, project: str = "proj", location: str = "us-central1") -> None:
        self.tokens = Tokens()
        self.faults: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.targets: list[str] = []
        self.claude = Hosted("vertex-2023-10-16")
        self._project = project
        self._location = location

    async def __call__(self, call: Call) -> None:
        url = urlsplit(call.target)
        path = unquote(url.path)
        if path in self.tokens.paths:
            await _say(call, *self.tokens.answer(path, call))
            return
        try:
            match, vertex = self._admit(path, call)
            if wrong := problem(call, "x-goog-", "x-vertex-", *(("anthropic-",) if match.re is CLAUDE else ())):
                raise Refused(400, error(400, "INVALID_ARGUMENT", wrong))
            if match.re is CLAUDE:
                self.targets.append(call.target)
                await self._raw_predict(call, match["model"], streams=match["verb"] == "streamRawPredict")
                return
            body = camel(msgspec.json.decode(call.body))
            self.asked.append(body)
            self.targets.append(call.target)
            check(match["verb"], match["model"], body, vertex=vertex)
        except Refused as refused:
            await _say(call, refused.status, refused.body)
            return
        await self._serve(call, match["verb"], match["model"], body, sse=parse_qs(url.query).get("alt") == ["sse"])

    def _admit(self, path: str, call: Call) -> tuple[re.Match[str], bool]:
        if match := GEMINI.match(path):
            if call.headers.get("x-goog-api-key") != KEY:
                raise Refused(*FAULTS["bad_key"].whole)
            return match, False
        match = VERTEX.match(path) or CLAUDE.match(path)
        if match is None:
            raise Refused(404, error(404, "NOT_FOUND", "Requested entity was not found."))
        if not self.tokens.knows(call.headers.get("authorization", "")):
            raise Refused(401, error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."))
        if (match["project"], match["location"]) != (self._project, self._location):
            raise Refused(403, error(403, "PERMISSION_DENIED", "Permission denied on resource project."))
        return match, True

    async def _raw_predict(self, call: Call, model: str, *, streams: bool) -> None:
        """Claude's own answer, or its refusal."""
        body, counting = msgspec.json.decode(call.body), model == "count-tokens"
        problem = self.claude.problem(body, counting=counting)
        if streams != bool(body.get("stream")):
            problem = "stream: does not fit the method"
        said = Refuses(400, "invalid_request_error", problem) if problem else self.claude.play(body)
        if isinstance(said, Refuses):
            raise Refused(said.status, msgspec.Raw(refusal(said)))
        if counting:
            await _say(call, 200, {"input_tokens": 14})
        elif streams:
            await begin(call, "text/event-stream")
            for event in sse(said, model):
                await call.chunk(event)
            await call.send(b"0\r\n\r\n")
        else:
            await _say(call, 200, msgspec.Raw(whole(said, model)))

    async def _serve(self, call: Call, verb: str, model: str, body: dict[str, Any], *, sse: bool) -> None:
        if verb == "countTokens":
            await _say(call, 200, {"totalTokens": tokens(body)})
            return
        fate = FAULTS[self.faults.pop(0)] if self.faults else Fate()
        if fate.whole[0]:
            await _say(call, *fate.whole)
        elif verb in ("embedContent", "batchEmbedContents", "predict"):
            await _say(call, 200, embed(verb, body))
        else:
            reply = generate(model, body)
            if verb == "streamGenerateContent":
                await _stream(call, fate.streamed(reply), fate, sse=sse)
            else:
                await _say(call, 200, fate.reply(reply).whole())


async def _say(call: Call, status: int, body: object) -> None:
    data = msgspec.json.encode(body)
    lines = "content-type: application/json; charset=UTF-8\r\nmetadata-flavor: Google"
    await call.send(f"HTTP/1.1 {status} Said\r\n{lines}\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)


async def _stream(call: Call, reply: Reply, fate: Fate, *, sse: bool) -> None:
    chunks = [msgspec.json.encode(chunk) for chunk in reply.chunks()]
    if not sse:  # without alt=sse it is one JSON array, which comes bit by bit
        await _say(call, 200, [msgspec.Raw(chunk) for chunk in chunks])
        return
    await begin(call, "text/event-stream")
    for chunk in chunks[: fate.cut_after]:
        await call.chunk(b"data: " + chunk + b"\r\n\r\n")
    if fate.cut_after is not None and not fate.in_band:
        call.cut()
        return
    if fate.in_band:
        await call.chunk(b"data: " + msgspec.json.encode(fate.in_band) + b"\r\n\r\n")
    await call.send(b"0\r\n\r\n")


@asynccontextmanager
async def emulated() -> AsyncIterator[tuple[Google, Upstream]]:
    """A Google on a port of its own; ``upstream.root`` has no path."""
    google = Google()
    upstream = Upstream(google)
    await upstream.start()
    google.tokens.root = f"http://127.0.0.1:{upstream.port}"
    try:
        yield google, upstream
    finally:
        await upstream.stop()
