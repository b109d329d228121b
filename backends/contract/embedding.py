"""Embedding requests and vectors in no dialect, with OpenAI's spelling of both."""

import base64
import struct
from typing import Protocol

import msgspec

from backends.contract.dialect import Written
from backends.contract.peek import BadBody
from policies.vocabulary.types import Usage


class Texts(msgspec.Struct):
    """What to embed. ``kind``: the use the vectors are for (Cohere's input_type, Google's task type), "" for none."""

    input: list[str]
    dimensions: int | None = None
    kind: str = ""


class Vectors(msgspec.Struct):
    """One vector a text, in the texts' order. ``usage``: as the provider counts, NO_USAGE where it does not."""

    vectors: list[list[float]]
    usage: Usage


class EmbeddingDialect(Protocol):
    """How a provider is asked for embeddings; a Dialect of its conversations may be one too."""

    def write_texts(self, texts: Texts, model: str) -> Written:
        """The wire request.

        Raises:
            Inexpressible: more texts than the provider takes at once, say.
        """
        ...

    def read_vectors(self, body: bytes) -> Vectors:
        """The vectors of a whole 2xx answer.

        Raises:
            msgspec.DecodeError, ValueError: malformed.
        """
        ...


class _Request(msgspec.Struct):
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None
    input_type: str = ""


def read_texts(body: bytes) -> Texts:
    """The texts of an OpenAI embeddings request.

    Raises:
        BadBody: not a list of texts; tokens are refused, since another model's would mean something else.
    """
    try:
        request = msgspec.json.decode(body, type=_Request)
    except msgspec.DecodeError as error:
        raise BadBody(f"invalid embeddings request: {error}") from None
    texts = [request.input] if isinstance(request.input, str) else request.input
    if not texts or not all(isinstance(text, str) for text in texts):
        raise BadBody("'input' must be a text or a list of texts here: another model's tokens mean nothing", "input")
    return Texts([str(text) for text in texts], request.dimensions, request.input_type)


def write_vectors(vectors: Vectors, model: str, in_base64: bool) -> bytes:
    """OpenAI's answer; base64 is of little-endian 32-bit floats."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if in_base64 else vector}
        for index, vector in enumerate(vectors.vectors)
    ]
    usage = {"prompt_tokens": vectors.usage.prompt, "total_tokens": vectors.usage.prompt}
    return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": usage})


def _packed(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
