"""The emulated model. Rule: what it answers follows from the request alone, and from all of it that matters."""

import base64
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

CHUNK = 12  # characters of text in a streamed chunk
THOUGHT = "The user wants an answer."


class Reply(msgspec.Struct, frozen=True):
    """``parts`` of each candidate, and what is said around them."""

    model: str
    parts: list[dict[str, Any]]
    usage: dict[str, Any]
    finish: str = "STOP"
    blocked: str = ""
    candidates: int = 1
    logprobs: dict[str, Any] | None = None

    def whole(self) -> dict[str, Any]:
        if self.blocked:
            return self._around({"promptFeedback": {"blockReason": self.blocked}}, self.usage)
        if not self.finish and not self.parts:
            return self._around({}, self.usage)
        return self._around({"candidates": [self._last(i, self.parts) for i in range(self.candidates)]}, self.usage)

    def chunks(self) -> Iterator[dict[str, Any]]:
        """A chunk for each piece of text and each other part; the usage of all but the last is what is known so far."""
        pieces = [piece for part in self.parts for piece in _pieces(part)]
        so_far = {"promptTokenCount": self.usage["promptTokenCount"], "totalTokenCount": self.usage["promptTokenCount"]}
        for index in range(self.candidates):
            for piece in pieces[:-1]:
                yield self._around({"candidates": [_candidate(index, [piece])]}, so_far)
        if self.blocked or not self.finish:
            yield self.whole()
            return
        for index in range(self.candidates):
            yield self._around({"candidates": [self._last(index, pieces[-1:])]}, self.usage)

    def _last(self, index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
        extra = {"logprobsResult": self.logprobs} if self.logprobs else {}
        return {**_candidate(index, parts), **({"finishReason": self.finish} if self.finish else {}), **extra}

    def _around(self, inner: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
        return {**inner, "usageMetadata": usage, "modelVersion": f"{self.model}-001", "responseId": "resp-1"}


def generate(model: str, body: dict[str, Any]) -> Reply:
    """Calls each declared function when the user has spoken and tools are there; else says what it was asked."""
    config = body.get("generationConfig", {})
    thoughts = config.get("thinkingConfig", {}).get("includeThoughts", False)
    parts = _answer(model, body, config)
    text_limit = config.get("maxOutputTokens")
    finish = "STOP"
    if text_limit is not None and text_limit < 4 and "text" in parts[0]:
        parts, finish = [{"text": parts[0]["text"][: text_limit * 4]}], "MAX_TOKENS"
    for stop in config.get("stopSequences", []):
        if "text" in parts[0]:
            parts = [{"text": parts[0]["text"].partition(stop)[0] or "-"}]
    thought = [{"text": THOUGHT, "thought": True}] if thoughts else []
    return Reply(
        model,
        [*thought, *parts],
        _usage(body, parts, thinking=bool(config.get("thinkingConfig"))),
        finish,
        candidates=config.get("candidateCount", 1),
        logprobs=_logprobs(config, parts),
    )


def _answer(model: str, body: dict[str, Any], config: dict[str, Any]) -> list[dict[str, Any]]:
    last = body["contents"][-1]["parts"]
    declared = [one for tool in body.get("tools", []) for one in tool.get("functionDeclarations", [])]
    mode = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if declared and mode.get("mode") != "NONE" and not any("functionResponse" in part for part in last):
        allowed = mode.get("allowedFunctionNames") or [one["name"] for one in declared]
        return _calls(model, [one for one in declared if one["name"] in allowed])
    if config.get("responseMimeType") == "application/json":
        schema = config.get("responseJsonSchema") or config.get("responseSchema") or {"type": "object"}
        return [{"text": msgspec.json.encode(example(schema)).decode()}]
    return [{"text": _heard(body, last)}]


def _heard(body: dict[str, Any], last: list[dict[str, Any]]) -> str:
    heard = []
    for part in last:
        if "text" in part:
            heard.append(part["text"])
        elif "inlineData" in part:
            data = base64.b64decode(part["inlineData"]["data"])
            heard.append(f"[{part['inlineData']['mimeType']} of {len(data)} bytes]")
        elif "fileData" in part:
            heard.append(f"[{part['fileData']['mimeType']} at {part['fileData']['fileUri']}]")
        elif "functionResponse" in part:
            response = msgspec.json.encode(part["functionResponse"]["response"]).decode()
            heard.append(f"[{part['functionResponse']['name']}: {response}]")
    system = "".join(part["text"] for part in body.get("systemInstruction", {}).get("parts", []))
    return f"{system + ': ' if system else ''}You said: {' '.join(heard)}"


def _calls(model: str, declared: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A call to each; as Gemini 3 does, the first one is signed and each has an id."""
    calls = []
    for index, one in enumerate(declared):
        args = example(one.get("parametersJsonSchema") or one.get("parameters") or {"type": "object"})
        call: dict[str, Any] = {"name": one["name"], "args": args}
        if model.startswith("gemini-3"):
            call["id"] = f"call{index}"
        part: dict[str, Any] = {"functionCall": call}
        if index == 0 and not model.startswith("gemini-2.0"):
            part["thoughtSignature"] = signature(one["name"])
        calls.append(part)
    return calls


def signature(name: str) -> str:
    return base64.b64encode(sha256(name.encode()).digest()).decode()


def example(schema: dict[str, Any]) -> Any:
    """A value that fits a schema."""
    if "enum" in schema:
        return schema["enum"][0]
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return example(schema[union][0])
    kind = schema.get("type", "object")
    kind = (kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "object":
        return {name: example(inner) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema.get("items", {"type": "string"}))]
    return {"string": "text", "integer": 3, "number": 1.5, "boolean": True, "null": None}[kind]


def tokens(value: object) -> int:
    """Four characters of text are a token."""
    if isinstance(value, dict):
        return sum(tokens(each) for key, each in value.items() if key not in ("data", "thoughtSignature"))
    if isinstance(value, list):
        return sum(map(tokens, value))
    return (len(value) + 3) // 4 if isinstance(value, str) else 0


def _usage(body: dict[str, Any], parts: list[dict[str, Any]], *, thinking: bool) -> dict[str, Any]:
    prompt = tokens(body["contents"]) + tokens(body.get("systemInstruction", {}))
    said = max(1, tokens(parts))
    usage: dict[str, Any] = {"promptTokenCount": prompt, "candidatesTokenCount": said}
    if body.get("cachedContent"):
        usage["promptTokenCount"] = prompt = prompt + 2048
        usage["cachedContentTokenCount"] = 2048
    if thinking:
        usage["thoughtsTokenCount"] = 40
    return {**usage, "totalTokenCount": prompt + said + usage.get("thoughtsTokenCount", 0)}


def _logprobs(config: dict[str, Any], parts: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not config.get("responseLogprobs") or "text" not in parts[0]:
        return None
    words = parts[0]["text"].split(" ")
    chosen = [{"token": word, "tokenId": len(word), "logProbability": -0.25} for word in words]
    count = config.get("logprobs", 0)
    top = [{"candidates": [one, *[{"token": f"other{i}", "logProbability": -2.0 - i} for i in range(count - 1)]]}
           for one in chosen]  # fmt: skip
    return {"chosenCandidates": chosen, **({"topCandidates": top} if count else {})}


def _candidate(index: int, parts: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"content": {"parts": parts, "role": "model"}} if parts else {}
    return {**content, "index": index}


def _pieces(part: dict[str, Any]) -> list[dict[str, Any]]:
    if "text" not in part:
        return [part]
    text, plain = part["text"], {key: value for key, value in part.items() if key != "thoughtSignature"}
    pieces = [{**plain, "text": text[at : at + CHUNK]} for at in range(0, len(text), CHUNK)]
    if "thoughtSignature" in part:  # it comes last, on a text that is empty
        pieces.append({**part, "text": ""})
    return pieces


def embed(verb: str, body: dict[str, Any]) -> dict[str, Any]:
    """Vectors: of one content, of a batch, or of Vertex's instances."""
    if verb == "predict":
        size = body.get("parameters", {}).get("outputDimensionality", 8)
        return {"predictions": [
            {"embeddings": {"values": _vector(one["content"], size),
                            "statistics": {"token_count": tokens(one["content"]), "truncated": False}}}
            for one in body["instances"]
        ]}  # fmt: skip
    if verb == "embedContent":
        size = body.get("embedContentConfig", body).get("outputDimensionality", 8)
        usage = {"promptTokenCount": tokens(body["content"]), "totalTokenCount": tokens(body["content"])}
        return {"embedding": {"values": _vector(_text(body), size)}, "usageMetadata": usage}
    return {"embeddings": [{"values": _vector(_text(one), one.get("outputDimensionality", 8))}
                           for one in body["requests"]]}  # fmt: skip


def _text(one: dict[str, Any]) -> str:
    return "".join(part["text"] for part in one["content"]["parts"])


def _vector(text: str, size: int) -> list[float]:
    digest = sha256(text.encode()).digest()
    return [digest[i % 32] / 256 - 0.5 for i in range(size)]
