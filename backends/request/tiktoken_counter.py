"""Token counts by tiktoken, with encodings read from local files only. Nothing is ever downloaded.

tiktoken fetches an encoding's ranks at its first use and keeps them in a directory (TIKTOKEN_CACHE_DIR), under the
SHA-1 of their URL. What is not there, or is not what tiktoken expects, it would fetch: so that is looked at first.
Everything here takes long, and runs in a thread.
"""

from collections.abc import Callable, Iterator
from hashlib import sha1, sha256
from pathlib import Path

import msgspec

from backends.contract.facts import Facts

_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
_SHA256 = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
# A chat's template, as OpenAI documents it for its models since GPT-3.5.
_PER_MESSAGE, _PER_NAME, _REPLY = 3, 1, 3


class Uncountable(Exception):
    """Why there is no exact count."""


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Message(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    content: str | list[_Part]
    name: str | None = None


_decode_messages = msgspec.json.Decoder(list[_Message] | None).decode
_decode_text = msgspec.json.Decoder(str | None).decode


class Encodings:
    """Those that were read from one directory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, Callable[[str], int]] = {}

    def count(self, facts: Facts, model: str) -> int:
        """Prompt tokens of a chat or completion of plain text, for a model of OpenAI's.

        Raises:
            Uncountable: the encoding or its file is not here, or how the prompt holds more than text is not documented.
        """
        try:
            messages = _decode_messages(facts.fields.get("messages", b"null"))
            text = _decode_text(facts.fields.get("prompt", b"null"))
        except (msgspec.DecodeError, UnicodeError) as error:
            raise Uncountable(f"not plain text: {error}") from None
        if facts.tools or facts.value("response_format"):
            raise Uncountable("how OpenAI writes tools and schemas into a prompt is not documented")
        return sum(map(self._tokens_of(model), _texts(messages or [], text))) + _template(messages or [])

    def _tokens_of(self, model: str) -> Callable[[str], int]:
        import tiktoken  # here and not above: it takes a while, and most never need it

        try:
            name = tiktoken.encoding_name_for_model(model)
        except KeyError:
            raise Uncountable(f"tiktoken does not know the model {model}") from None
        if name not in self._read:
            self._check(name)
            found = tiktoken.get_encoding(name)
            self._read[name] = lambda text: len(found.encode_ordinary(text))
        return self._read[name]

    def _check(self, name: str) -> None:
        path = self._folder / sha1(_URL.format(name).encode(), usedforsecurity=False).hexdigest()
        if name not in _SHA256:
            raise Uncountable(f"the encoding {name} is not supported")
        if not path.is_file() or sha256(path.read_bytes()).hexdigest() != _SHA256[name]:
            raise Uncountable(f"the ranks of {name} are not at {path}")


def _texts(messages: list[_Message], text: str | None) -> Iterator[str]:
    if text is not None:
        yield text
    for message in messages:
        yield message.role
        if message.name is not None:
            yield message.name
        if isinstance(message.content, str):
            yield message.content
            continue
        for part in message.content:
            if part.type != "text":
                raise Uncountable(f"a part of type {part.type}")
            yield part.text


def _template(messages: list[_Message]) -> int:
    named = sum(message.name is not None for message in messages)
    return _PER_MESSAGE * len(messages) + _PER_NAME * named + (_REPLY if messages else 0)
