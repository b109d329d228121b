"""Embeddings, rerank and score: figures derived from the texts."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import blake2b
from math import sqrt
from struct import pack

from backends.engine.completions import inputs
from backends.engine.errors import Refusal
from backends.engine.generation import Usage
from backends.engine.http import Answer, Request
from backends.engine.prompt import plain
from backends.engine.request_plan import Choice
from backends.engine.requests import EmbeddingRequest, JsonObject, RerankRequest, ScoreRequest, read
from backends.engine.sequence import Work
from backends.engine.service import Service, encode, new_id, now
from backends.engine.text import block_keys

DIMENSIONS = 64


class PooledDialect:
    """A body that waits until all its texts were read."""

    def __init__(self, render: Callable[[Usage], JsonObject]) -> None:
        self._render = render

    def opening(self) -> list[bytes]:
        return []

    def delta(self, index: int, start: int, end: int, finished: bool) -> list[bytes]:
        return []

    def closing(self, usage: Usage) -> list[bytes]:
        return []

    def body(self, usage: Usage) -> bytes:
        return encode(self._render(usage))


def serve_embeddings(service: Service, request: Request, answer: Answer) -> None:
    body = read(request.body, EmbeddingRequest)
    service.check_model(body.model)
    texts, dimensions = inputs(body.input), body.dimensions or DIMENSIONS
    if body.encoding_format not in (None, "float", "base64"):
        raise Refusal(400, "encoding_format must be float or base64", "encoding_format")

    def render(usage: Usage) -> JsonObject:
        vectors = [embed(text, dimensions) for text in texts]
        packed = body.encoding_format == "base64"
        data = [
            {"index": index, "object": "embedding", "embedding": _packed(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ]
        return _envelope(service, "embd", usage, object="list", data=data)

    _pool(service, answer, texts, render)


def serve_rerank(service: Service, request: Request, answer: Answer) -> None:
    body = read(request.body, RerankRequest)
    service.check_model(body.model)
    texts = [item if isinstance(item, str) else str(item.get("text", "")) for item in body.documents]

    def render(usage: Usage) -> JsonObject:
        results = [
            {"index": index, "document": {"text": text}, "relevance_score": similarity(body.query, text)}
            for index, text in enumerate(texts)
        ]
        results.sort(key=lambda result: -float(str(result["relevance_score"])))
        return _envelope(service, "rerank", usage, results=results[: body.top_n])

    _pool(service, answer, [f"{body.query}\n{text}".encode() for text in texts], render)


def serve_score(service: Service, request: Request, answer: Answer) -> None:
    body = read(request.body, ScoreRequest)
    service.check_model(body.model)
    left, right = _list(body.text_1 or body.queries), _list(body.text_2 or body.documents)
    if len(left) not in (1, len(right)) or not right:
        raise Refusal(400, "text_1 must hold one text, or as many as text_2")
    pairs = list(zip(left * len(right) if len(left) == 1 else left, right, strict=True))

    def render(usage: Usage) -> JsonObject:
        data = [{"index": index, "object": "score", "score": similarity(*pair)} for index, pair in enumerate(pairs)]
        return _envelope(service, "score", usage, object="list", data=data)

    _pool(service, answer, ["\n".join(pair).encode() for pair in pairs], render)


def embed(text: bytes, dimensions: int) -> list[float]:
    """A unit vector that follows from the text."""
    values: list[float] = []
    for page in range(-(-dimensions // 64)):
        digest = blake2b(page.to_bytes(4) + text, digest_size=64).digest()
        values.extend(byte / 127.5 - 1 for byte in digest)
    values = values[:dimensions]
    norm = sqrt(sum(value * value for value in values))
    return [value / norm for value in values]


def similarity(left: str, right: str) -> float:
    """The share of common words: enough for a plausible ranking."""
    one, other = set(left.lower().split()), set(right.lower().split())
    return len(one & other) / max(len(one | other), 1)


def _pool(service: Service, answer: Answer, texts: list[bytes], render: Callable[[Usage], JsonObject]) -> None:
    choices: list[Choice] = []
    for text in texts:
        prompt = plain(text)
        service.limits.room(prompt, None)
        work = Work(prompt.tokens, 0, block_keys(prompt.data, service.limits.block_size), "stop")
        choices.append(Choice([], "stop", work=work))
    if not choices:
        raise Refusal(400, "the input is empty")
    service.generate(answer, PooledDialect(render), choices, 1, stream=False)


def _envelope(service: Service, prefix: str, usage: Usage, **fields: object) -> JsonObject:
    counted = {"prompt_tokens": usage.prompt_tokens, "total_tokens": usage.prompt_tokens}
    return {"id": new_id(prefix), "created": now(), "model": service.model, **fields, "usage": counted}


def _packed(vector: list[float]) -> str:
    return b64encode(pack(f"<{len(vector)}f", *vector)).decode()


def _list(given: str | list[str] | None) -> list[str]:
    return [given] if isinstance(given, str) else given or []
