"""A provider's differences, field by field; everything else is left as it was."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.adapter import Incoming, Unsendable
from backends.contract.families import FAMILIES
from backends.contract.peek import peek
from backends.dialects.openai.field_rules import FieldRules
from backends.dialects.openai.openai import OpenAI
from backends.dialects.openai.variants import Adapted
from policies.vocabulary.types import Request

RULES = FieldRules(
    rejects=("logit_bias", "n", "frequency_penalty", "parallel_tool_calls"),
    renames={"seed": "random_seed"},
    implied=("stream_options",),
)
FAMILY = {family.name: family for family in FAMILIES}


def sent(body: bytes, *, drop: bool = False, family: str = "chat") -> tuple[bytes, tuple[str, ...]]:
    seen = peek(FAMILY[family], body, b"application/json")
    came = Incoming(Request(family, "m", seen.stream, 1, 0.0), seen)
    adapter = Adapted(OpenAI("http://h/v1", "x", {}, v1_in_root=True), RULES, "x", drop=drop)
    return adapter.encode(came).body, came.dropped


@given(st.dictionaries(st.sampled_from(["a", "messages", "top_p", "user"]), st.text(max_size=20)), st.booleans())
def test_without_its_fields_a_body_passes_to_the_byte(fields: dict[str, Any], stream: bool) -> None:
    body = msgspec.json.encode({"model": "m", "stream": stream, **fields})
    assert sent(body) == (body.replace(b'"model":"m"', b'"model":"x"', 1), ())


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "logit_bias": st.just({"1": 2}),
            "n": st.integers(2, 5),
            "frequency_penalty": st.floats(0.1, 2),
            "parallel_tool_calls": st.just(False),
            "seed": st.integers(),
            "stream_options": st.just({"include_usage": True}),
            "top_p": st.floats(0, 1),
        },
    )
)
def test_fields_are_refused_or_dropped_renamed_and_left_out(fields: dict[str, Any]) -> None:
    body = msgspec.json.encode({"model": "m", "stream": True, **fields})
    rejected = tuple(name for name in RULES.rejects if name in fields)
    out, dropped = sent(body, drop=True)
    assert dropped == rejected
    kept = {k: v for k, v in fields.items() if k not in (*RULES.rejects, *RULES.implied)}
    expected = {RULES.renames.get(name, name): value for name, value in kept.items()}
    assert msgspec.json.decode(out) == {"model": "x", "stream": True, **expected}
    if rejected:
        with pytest.raises(Unsendable) as refused:
            sent(body)
        assert refused.value.fault.param == rejected[0]
    else:
        assert sent(body)[0] == out


@pytest.mark.parametrize(
    "neutral", [b'"n":1', b'"n":null', b'"frequency_penalty":0', b'"logit_bias":{}', b'"parallel_tool_calls":true']
)
def test_a_value_that_asks_for_nothing_is_left_out_without_a_word(neutral: bytes) -> None:
    assert sent(b'{"model":"m",%b}' % neutral) == (b'{"model":"x"}', ())


def test_other_families_are_not_looked_at() -> None:
    body = b'{"model":"x","input":"a","seed":1}'
    assert sent(body, family="embeddings") == (body, ())
