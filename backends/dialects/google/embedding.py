"""Google's embeddings: one call for a list of texts, in the form that the model's API takes.

The Gemini API takes a batch; Vertex takes instances for its older models and one content for Gemini's.
"""

from typing import Any

import msgspec

from backends.contract.dialect import Inexpressible, Written
from backends.contract.embedding import Texts, Vectors
from backends.contract.usage import Count
from policies.vocabulary.types import NO_USAGE, Usage


def write(texts: Texts, model: str, path: bytes, *, vertex: bool) -> Written:
    """The request; ``path``: the model's own.

    Raises:
        Inexpressible: several texts, where the model takes one at a time.
    """
    if not vertex:
        requests = [_one(text, texts, model) for text in texts.input]
        return Written(path + b":batchEmbedContents", msgspec.json.encode({"requests": requests}))
    if "gemini-embedding-001" not in model and "gemini" in model:
        if len(texts.input) > 1:
            raise Inexpressible(f"'input': the model '{model}' takes one text a request", "input")
        config = _options(texts)
        body: dict[str, Any] = {"content": _content(texts.input[0])} | (
            {"embedContentConfig": config} if config else {}
        )
        return Written(path + b":embedContent", msgspec.json.encode(body))
    kind = {"task_type": texts.kind} if texts.kind else {}
    instances: dict[str, Any] = {"instances": [{"content": text, **kind} for text in texts.input]}
    if texts.dimensions is not None:
        instances["parameters"] = {"outputDimensionality": texts.dimensions}
    return Written(path + b":predict", msgspec.json.encode(instances))


def _content(text: str) -> dict[str, Any]:
    return {"parts": [{"text": text}]}


def _one(text: str, texts: Texts, model: str) -> dict[str, Any]:
    return {"model": f"models/{model}", "content": _content(text), **_options(texts)}


def _options(texts: Texts) -> dict[str, Any]:
    options: dict[str, Any] = {"taskType": texts.kind} if texts.kind else {}
    return options if texts.dimensions is None else options | {"outputDimensionality": texts.dimensions}


class _Statistics(msgspec.Struct):
    token_count: float = 0


class _Embedding(msgspec.Struct):
    values: list[float]
    statistics: _Statistics | None = None


class _Prediction(msgspec.Struct):
    embeddings: _Embedding


class _Counted(msgspec.Struct, rename="camel"):
    prompt_token_count: Count = 0


class _Answer(msgspec.Struct, rename="camel"):
    """``embeddings``: of a batch; ``embedding``: of one content; ``predictions``: of instances."""

    embeddings: list[_Embedding] = []
    embedding: _Embedding | None = None
    predictions: list[_Prediction] = []
    usage_metadata: _Counted | None = None


def read(body: bytes) -> Vectors:
    """The vectors; their tokens as far as Google counts them.

    Raises:
        msgspec.DecodeError, ValueError: malformed.
    """
    answer = msgspec.json.decode(body, type=_Answer)
    found = answer.embeddings or [one.embeddings for one in answer.predictions]
    if answer.embedding is not None:
        found = [answer.embedding]
    if not found:
        raise ValueError("no embedding in it")
    counts = [int(one.statistics.token_count) for one in found if one.statistics is not None]
    if answer.usage_metadata is not None:
        counts = [answer.usage_metadata.prompt_token_count]
    usage = Usage(sum(counts), 0, 0, "upstream") if counts else NO_USAGE
    return Vectors([one.values for one in found], usage)
