"""OpenAI's dialect with a provider's field differences; a body without those fields passes unchanged."""

from collections.abc import Mapping

import msgspec
from msgspec import structs

from backends.contract import faults
from backends.contract.adapter import Incoming, Unsendable, Wire
from backends.contract.conversation import Conversation
from backends.contract.decoder import Decoder
from backends.contract.dialect import Written
from backends.contract.facts import decode_fields
from backends.contract.peek import peek
from backends.dialects.openai.chat.dialect import Chat
from backends.dialects.openai.field_rules import FieldRules
from backends.dialects.openai.openai import OpenAI
from policies.vocabulary.failure import Fault

_FAMILIES = frozenset({"chat", "completions"})
_NEUTRAL: Mapping[str, tuple[bytes, ...]] = {  # values that ask for nothing, beside null
    "n": (b"1",),
    "logprobs": (b"false",),
    "top_logprobs": (b"0",),
    "frequency_penalty": (b"0", b"0.0"),
    "presence_penalty": (b"0", b"0.0"),
    "logit_bias": (b"{}",),
    "parallel_tool_calls": (b"true",),
    "service_tier": (b'"auto"', b'"default"'),
    "store": (b"false",),
}


class Adapted:
    """An Adapter around OpenAI's, by a provider's rules. ``drop``: rejected fields are left out and named."""

    def __init__(self, itself: OpenAI, rules: FieldRules, model: str, *, drop: bool) -> None:
        self._itself = itself
        self._rules = rules
        self._model = model
        self._drop = drop
        self._foreign = foreign(rules)
        self._unasked = "stream_options" in rules.implied

    def encode(self, incoming: Incoming) -> Wire:
        facts, dropped = incoming.facts, tuple[str, ...]()
        if facts.family.name not in _FAMILIES:
            return self._itself.encode(incoming)
        if not self._foreign.isdisjoint(facts.fields):
            body, dropped = changed(self._rules, facts.fields)
            facts = peek(facts.family, body, b"application/json")
        if dropped and not self._drop:
            raise Unsendable(faults.unsupported(dropped, self._model))
        incoming.dropped = dropped
        if self._unasked:  # usage comes without being asked for
            facts = structs.replace(facts, family=structs.replace(facts.family, usage_option=False))
        return self._itself.encode(Incoming(incoming.request, facts, incoming.headers, incoming.id))

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        decoder = self._itself.decoder(incoming, content_type)
        if not incoming.dropped:
            return decoder
        named = ", ".join(incoming.dropped).encode("ascii", "replace")
        return Headed(decoder, {b"content-type": content_type, b"x-cloverleaf-dropped": named})

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        return self._itself.fault(incoming, status, headers, body)


class AdaptedChat(Chat):
    """The Dialect that the other front APIs are translated into for such a provider."""

    def __init__(self, target: bytes, rules: FieldRules) -> None:
        super().__init__(target)
        self._rules = rules
        self._foreign = foreign(rules)

    def write(self, conversation: Conversation, model: str) -> Written:
        written = super().write(conversation, model)
        fields = decode_fields(written.body)
        if self._foreign.isdisjoint(fields):
            return written
        body, dropped = changed(self._rules, fields)
        return structs.replace(written, body=body, dropped=(*written.dropped, *dropped))


def foreign(rules: FieldRules) -> frozenset[str]:
    """The fields that the provider does not take as OpenAI does."""
    return frozenset((*rules.rejects, *rules.renames, *rules.implied))


def changed(rules: FieldRules, fields: Mapping[str, msgspec.Raw]) -> tuple[bytes, tuple[str, ...]]:
    """A JSON body of these fields in the provider's words, and those that have none."""
    dropped = tuple(name for name in rules.rejects if name in fields and _asks(name, bytes(fields[name])))
    gone = {*rules.rejects, *rules.implied}
    kept = {rules.renames.get(name, name): raw for name, raw in fields.items() if name not in gone}
    return msgspec.json.encode(kept), dropped


def _asks(name: str, value: bytes) -> bool:
    return value != b"null" and value not in _NEUTRAL.get(name, ())


class Headed:
    """A Decoder with headers of its own around another."""

    __slots__ = ("_decoder", "committed", "fault", "head", "progressed", "usage")

    def __init__(self, decoder: Decoder, head: Mapping[bytes, bytes]) -> None:
        self._decoder = decoder
        self.head = head
        self._note()

    def feed(self, data: bytes) -> bytes:
        out = self._decoder.feed(data)
        self._note()
        return out

    def close(self) -> bytes:
        out = self._decoder.close()
        self._note()
        return out

    @property
    def generated(self) -> int:
        return self._decoder.generated

    def _note(self) -> None:
        decoder = self._decoder
        self.committed, self.progressed = decoder.committed, decoder.progressed
        self.fault, self.usage = decoder.fault, decoder.usage
