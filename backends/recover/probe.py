"""The continuation probe: whether an engine's rendered prompt ends exactly with a given partial answer.

vLLM's /tokenize renders messages as a chat request would, and /detokenize turns the tokens back into text.
"""

from typing import TypeVar

import msgspec

from backends.contract.adapter import Origin, Wire
from backends.contract.headers import JSON, Headers
from backends.contract.transport import Transport
from backends.transports.http_get import FetchFailed, fetch
from policies.vocabulary.engine_state import Continues

TEXT = "The text so far, which goes on from here"
PADDED = f"\n {TEXT} \n"  # templates that trim lose its ends


T = TypeVar("T")


class _Tokens(msgspec.Struct):
    tokens: list[int]


class _Prompt(msgspec.Struct):
    prompt: str


class Probe:
    """Asks one endpoint. ``host``: its host field."""

    def __init__(self, transport: Transport, origin: Origin, prefix: bytes, host: Headers, model: str) -> None:
        self._transport = transport
        self._origin = origin
        self._prefix = prefix
        self._headers = host | JSON
        self._model = model

    async def ask(self, limit: float) -> Continues:
        """What its chat template makes of an open last message; UNKNOWN: it did not answer, so ask again.

        ``limit``: seconds for each of up to four small requests.
        """
        try:
            if await self._ends_with(PADDED, limit):
                return Continues.EXACTLY
            return Continues.TRIMMED if await self._ends_with(TEXT, limit) else Continues.NO
        except FetchFailed:
            return Continues.UNKNOWN

    async def _ends_with(self, text: str, limit: float) -> bool:
        messages = [{"role": "user", "content": "Begin."}, {"role": "assistant", "content": text}]
        flags = {"continue_final_message": True, "add_generation_prompt": False}
        asked = {"model": self._model, "messages": messages, **flags}
        tokens = await self._post(b"/tokenize", asked, _Tokens, limit)
        if tokens is None:
            return False
        rendered = await self._post(b"/detokenize", {"model": self._model, "tokens": tokens.tokens}, _Prompt, limit)
        return rendered is not None and rendered.prompt.endswith(text)

    async def _post(self, path: bytes, body: object, kind: type[T], limit: float) -> T | None:
        """None: it was refused, or answered otherwise."""
        wire = Wire(self._origin, self._prefix + path, self._headers, msgspec.json.encode(body))
        status, answer = await fetch(self._transport, wire, limit)
        try:
            return msgspec.json.decode(answer, type=kind) if status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
