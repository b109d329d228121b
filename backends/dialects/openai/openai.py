"""OpenAI's dialect passed through: the body stays as it is; model and usage options are spliced in."""

# compiled

from collections.abc import Collection, Mapping

from backends.contract import faults
from backends.contract.adapter import Incoming, Wire
from backends.contract.decoder import Decoder
from backends.contract.endpoint_address import address, own_headers
from backends.contract.families import FAMILIES
from backends.contract.headers import CARRIED, CONTENT_TYPE, EndpointHeaders
from backends.contract.peek import STEERING
from backends.reply.chat_stream import ChatStream
from backends.reply.named_events import TypedStream
from backends.reply.whole_reply import Binary, Unexpected, WholeBody
from backends.request.splice import Edit, ask_for_usage, json_string, leave_out, splice
from policies.vocabulary.failure import Fault

_TEXTS = (b"application/json", b"text/")


class OpenAI:
    """One endpoint of a deployment that speaks OpenAI's API: OpenAI itself, compatible servers, vLLM.

    ``steering``: the client's steering fields that it understands itself; the others are taken out of bodies.
    ``root`` is the server's root for vLLM, and the ``base_url`` (with its /v1) elsewhere.
    """

    def __init__(
        self,
        root: str,
        model: str,
        headers: Mapping[str, str],
        *,
        v1_in_root: bool,
        steering: Collection[str] = (),
    ) -> None:
        self.origin, prefix = address(root)
        paths = {family.name: family.paths[0] for family in FAMILIES}
        self._targets = {
            name: prefix + (path.removeprefix("/v1") if v1_in_root else path).encode() for name, path in paths.items()
        }
        self._model = model
        self._model_json = json_string(model)
        self._removed = frozenset(STEERING) - frozenset(steering)
        self._own = own_headers(root, headers)
        heads = {
            takes: EndpointHeaders(self._own, CONTENT_TYPE | CARRIED | takes)
            for takes in {family.headers for family in FAMILIES}
        }
        self._heads = {family.name: heads[family.headers] for family in FAMILIES}

    def encode(self, incoming: Incoming) -> Wire:
        facts = incoming.facts
        family, body = facts.family, facts.body
        edits: list[Edit] = []
        if facts.model != self._model:
            value = self._model.encode() if family.form else self._model_json
            edits.append((facts.model_at, value.join(facts.model_wrap)))
        if facts.stream and family.usage_option:
            edits += ask_for_usage(facts)
        if facts.steering is not None:
            edits += leave_out(body, self._removed.intersection(facts.steering))
        headers = self._heads[family.name].beside(incoming.headers)
        return Wire(self.origin, self._targets[family.name], headers, splice(body, edits), id=incoming.id)

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        facts = incoming.facts
        family, streamed = facts.family, facts.stream
        kind = content_type.lower()
        if kind.startswith(b"text/event-stream"):
            if family.events and not streamed:
                return Unexpected("a stream", "a whole one")
            if family.events == "openai":
                options = facts.stream_options
                return ChatStream(hide_usage=not (options and options.get("include_usage")))
            return TypedStream()
        if family.events and streamed and not family.optional:
            return Unexpected("a whole one", "a stream")
        if family.binary:
            return Unexpected("a text", "audio") if kind.startswith(_TEXTS) else Binary()
        return WholeBody(json=not family.form or kind.startswith(b"application/json"))

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return faults.of_reply(status, headers, body)
