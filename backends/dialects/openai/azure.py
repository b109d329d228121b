"""Azure OpenAI: OpenAI's dialect at Azure's addresses, content-filter results included.

The v1 API takes the deployment's name as ``model``, at ``…/openai/v1``. The older one has the name in the path and an
``api-version`` in the query. A stream's first event holds the prompt's filter results and no choice: it is taken out,
since clients look at the first choice.
"""

# compiled

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from backends.contract import sse
from backends.contract.adapter import Incoming
from backends.contract.decoder import Decoder
from backends.contract.endpoint_address import address
from backends.contract.families import FAMILIES
from backends.dialects.openai.chat.dialect import Chat
from backends.dialects.openai.openai import OpenAI
from backends.reply.chat_stream import ChatStream
from backends.reply.chunk_schema import Bare

V1 = "/openai/v1"
#: The first version that knows ``max_completion_tokens``, which OpenAI's later models ask for.
_NEW_LIMIT = "2024-09-01"


class Azure(OpenAI):
    """One Azure resource. ``model``: the deployment's name. ``api_version``: empty for the v1 API."""

    def __init__(self, root: str, model: str, headers: Mapping[str, str], api_version: str) -> None:
        root = root.removesuffix(V1)
        super().__init__(root if api_version else root + V1, model, headers, v1_in_root=True)
        self._api_version = api_version
        if api_version:
            prefix = address(root)[1] + f"/openai/deployments/{quote(model, safe='')}".encode()
            query = f"?api-version={quote(api_version)}".encode()
            for family in FAMILIES:
                self._targets[family.name] = prefix + family.paths[0].removeprefix("/v1").encode() + query

    def target(self, family: str) -> bytes:
        """The request target of a family."""
        return self._targets[family]

    def chat(self, path: bytes) -> Chat:
        """What the doors that it does not have are translated into. ``path``: chat completions, below the root."""
        old = "" < self._api_version < _NEW_LIMIT
        return Chat(path, "max_tokens" if old else "max_completion_tokens")

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        facts = incoming.facts
        if facts.family.events == "openai" and content_type.startswith(b"text/event-stream"):
            options = facts.stream_options
            return AzureStream(hide_usage=not (options and options.get("include_usage")))
        return super().decoder(incoming, content_type)


class AzureStream(ChatStream):
    """A chat stream without the prompt's filter results."""

    __slots__ = ()

    def _keep(self, event: bytes) -> bool:
        return super()._keep(event) and not (b'"prompt_filter_results"' in event and _is_filter(event))


def _is_filter(event: bytes) -> bool:
    try:
        return not msgspec.json.decode(sse.payload(event), type=Bare).choices
    except msgspec.DecodeError:
        return False
