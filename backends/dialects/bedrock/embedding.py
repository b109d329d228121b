"""Bedrock embeddings by InvokeModel: Titan takes one text a request, Cohere a list."""

from typing import Any
from urllib.parse import quote

import msgspec

from backends.contract.dialect import Inexpressible, Written
from backends.contract.embedding import Texts, Vectors
from backends.contract.usage import Count
from policies.vocabulary.types import NO_USAGE, Usage

_COHERE_KIND = "search_document"  # what Cohere must be told, where the client does not say
_INTEGER_SIZES = "titan-embed-text-v2"


class _Answer(msgspec.Struct, rename={"tokens": "inputTextTokenCount"}):
    embedding: list[float] | None = None
    embeddings: list[list[float]] | dict[str, list[list[float]]] | None = None
    tokens: Count | None = None


def write_texts(texts: Texts, model: str) -> Written:
    """``/model/ID/invoke``.

    Raises:
        Inexpressible: Titan was given more than one text.
    """
    dropped: list[str] = []
    body = _cohere(texts) if "cohere." in model else _titan(texts, model, dropped)
    target = f"/model/{quote(model, safe='')}/invoke".encode()
    return Written(target, msgspec.json.encode(body), tuple(dropped))


def _titan(texts: Texts, model: str, dropped: list[str]) -> dict[str, Any]:
    if len(texts.input) > 1:
        raise Inexpressible(f"'{model}' takes one text a request, not {len(texts.input)}", "input")
    body: dict[str, Any] = {"inputText": texts.input[0]}
    if texts.dimensions is not None:
        if _INTEGER_SIZES in model:
            body["dimensions"] = texts.dimensions
        else:
            dropped.append("dimensions")
    if texts.kind:
        dropped.append("input_type")
    return body


def _cohere(texts: Texts) -> dict[str, Any]:
    body: dict[str, Any] = {
        "texts": texts.input,
        "input_type": texts.kind or _COHERE_KIND,
        "embedding_types": ["float"],
    }
    if texts.dimensions is not None:
        body["output_dimension"] = texts.dimensions
    return body


def read_vectors(body: bytes) -> Vectors:
    """Raises:
    msgspec.DecodeError, ValueError: malformed.
    """
    answer = msgspec.json.decode(body, type=_Answer)
    usage = NO_USAGE if answer.tokens is None else Usage(answer.tokens, 0, 0, "upstream")
    if answer.embedding is not None:
        return Vectors([answer.embedding], usage)
    vectors = answer.embeddings.get("float") if isinstance(answer.embeddings, dict) else answer.embeddings
    if vectors is None:
        raise ValueError("it has no embeddings")
    return Vectors(vectors, usage)
