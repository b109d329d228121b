"""Splicing is editing: the same JSON with the model replaced and usage asked for, and no other byte moved."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.contract.adapter import Incoming
from backends.contract.facts import Facts
from backends.contract.families import FAMILIES, Family
from backends.contract.peek import BadBody, peek
from backends.dialects.openai.openai import OpenAI
from backends.request.splice import leave_out, splice
from policies.vocabulary.types import Request

CHAT = FAMILIES[0]
TRICKY = [
    "model",
    "stream",
    "stream_options",
    "include_usage",
    '"model"',
    '"model":"x"',
    "\\",
    '"',
    "é",
    "\u2028",
    "💧",
    "",
]
texts = st.one_of(st.sampled_from(TRICKY), st.text(st.characters(exclude_categories=["Cs"]), max_size=12))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)
others = texts.filter(lambda key: key not in ("model", "stream", "stream_options"))
options = st.one_of(
    st.none(), st.dictionaries(st.sampled_from(["include_usage", "continuous_usage_stats", "é"]), st.booleans())
)


@st.composite
def spelled(draw: st.DrawFn, text: str) -> str:
    """A JSON string with any of its characters escaped."""
    out = []
    for char in text:
        code = ord(char)
        if char in '"\\' or code < 0x20 or draw(st.integers(0, 7)) == 0:
            units = char.encode("utf-16-be")
            out += [f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)]
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


@st.composite
def written(draw: st.DrawFn, value: object) -> str:
    """A value as some client may write it."""
    if isinstance(value, str):
        return draw(spelled(value))
    if isinstance(value, dict):
        return draw(members(list(value.items())))
    if isinstance(value, list):
        return "[" + ",".join([draw(gap) + draw(written(each)) + draw(gap) for each in value]) + "]"
    return msgspec.json.encode(value).decode()


gap = st.text(" \t\r\n", max_size=2)


@st.composite
def members(draw: st.DrawFn, pairs: list[tuple[str, object]]) -> str:
    parts = [
        draw(gap) + draw(spelled(key)) + draw(gap) + ":" + draw(gap) + draw(written(value)) + draw(gap)
        for key, value in pairs
    ]
    return "{" + ",".join(parts) + "}" if parts else "{" + draw(gap) + "}"


@st.composite
def bodies(draw: st.DrawFn) -> tuple[bytes, str]:
    """A request body with its fields in any order, and the model it asks for."""
    model = draw(texts.filter(bool))
    pairs: list[tuple[str, object]] = [("model", model), *draw(st.dictionaries(others, values, max_size=4)).items()]
    if draw(st.booleans()):
        pairs.append(("stream", draw(st.sampled_from([True, False, None]))))
    if draw(st.booleans()):
        pairs.append(("stream_options", draw(options)))
    text = draw(gap) + draw(members(draw(st.permutations(pairs)))) + draw(gap)
    return text.encode(), model


def sent(body: bytes, upstream: str) -> bytes:
    peeked = peek(CHAT, body, b"application/json")
    request = Request("chat", peeked.model, peeked.stream, 1, 0.0)
    adapter = OpenAI("http://h", upstream, {}, v1_in_root=False)
    return adapter.encode(Incoming(request, peeked)).body


@st.composite
def compact(draw: st.DrawFn) -> bytes:
    """A body without white space, any of whose keys may come twice, be misspelled, or have a value of any kind."""
    keys = st.sampled_from(["model", "model", "stream", "stream_options", "messages", "mod\\u0065l", "models", "é"])
    plain = st.sampled_from(["m", "a-model", True, False, None, {"include_usage": True}])
    pairs = draw(st.lists(st.tuples(keys, st.one_of(plain, values)), max_size=5))
    text = ",".join(f'"{key}":{msgspec.json.encode(value).decode()}' for key, value in pairs)
    return f"{{{text}}}{draw(st.sampled_from(['', '', '', '}', ',']))}".encode()


@settings(deadline=None, max_examples=500)
@given(compact(), st.sampled_from(FAMILIES[:3]))
def test_a_compact_body_is_read_as_one_with_white_space_is(body: bytes, family: Family) -> None:
    def read(body: bytes) -> Facts | tuple[str, str | None]:
        try:
            found = peek(family, body, b"application/json")
            assert found.fields == msgspec.json.decode(body, type=dict[str, msgspec.Raw])
            return msgspec.structs.replace(found, body=b"", decoded=None)
        except BadBody as problem:
            return str(problem).partition(" (byte")[0], problem.param

    assert read(body) == read(body + b"\n")


@settings(deadline=None, max_examples=150)
@given(bodies(), texts)
def test_splicing_is_editing_the_json(given_body: tuple[bytes, str], upstream: str) -> None:
    body, model = given_body
    expected = msgspec.json.decode(body)
    assert expected["model"] == model
    expected["model"] = upstream
    if expected.get("stream"):
        expected["stream_options"] = {**(expected.get("stream_options") or {}), "include_usage": True}
    assert msgspec.json.decode(sent(body, upstream)) == expected


@settings(deadline=None, max_examples=120)
@given(bodies(), texts)
def test_every_byte_outside_the_ranges_is_kept(given_body: tuple[bytes, str], upstream: str) -> None:
    body, model = given_body
    peeked = peek(CHAT, body, b"application/json")
    result = sent(body, upstream)
    cuts = [peeked.model_at] if upstream != model else []
    if peeked.stream and not (peeked.stream_options or {}).get("include_usage"):
        cuts.append(peeked.options_at)
    at = 0
    for start, end in sorted(cuts):
        assert body[at:start] in result
        result = result[result.index(body[at:start]) + start - at :]
        at = end
    assert result.endswith(body[at:])
    if not cuts:
        assert result is body


@settings(deadline=None, max_examples=120)
@given(st.dictionaries(others, values, min_size=1, max_size=4).flatmap(lambda d: written(d)), texts.filter(bool))
def test_a_body_without_a_model_gets_the_deployments(text: str, upstream: str) -> None:
    expected = {**msgspec.json.decode(text.encode()), "model": upstream}
    assert msgspec.json.decode(sent(text.encode(), upstream)) == expected


@settings(deadline=None, max_examples=120)
@given(bodies(), texts, st.data())
def test_a_second_model_is_refused_wherever_it_stands_and_however_it_is_spelled(
    given_body: tuple[bytes, str], second: str, data: st.DataObject
) -> None:
    body, _ = given_body
    inner = body.decode().strip()[1:-1]
    extra = f"{data.draw(spelled('model'))}:{data.draw(spelled(second))}"
    doubled = "{" + (f"{extra},{inner}" if data.draw(st.booleans()) else f"{inner},{extra}") + "}"
    try:
        peek(CHAT, doubled.encode(), b"application/json")
    except BadBody as problem:
        assert problem.param == "model"
    else:
        raise AssertionError(doubled)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]":,\\ u0model', max_size=40).map(str.encode)))
def test_no_body_does_worse_than_being_refused(body: bytes) -> None:
    for family in FAMILIES:
        try:
            peeked = peek(family, body, b"multipart/form-data; boundary=u0")
        except BadBody:
            continue
        assert isinstance(peeked.model, str)


shallow = st.dictionaries(
    st.sampled_from(["model", "models", "provider", "priority", "a", "b,", 'c"', "{"]),
    st.none() | st.integers() | st.text(max_size=4) | st.lists(st.text(max_size=3), max_size=2),
    max_size=6,
)


@given(shallow, st.sets(st.sampled_from(["models", "provider", "priority"])), st.sampled_from(["compact", "spaced"]))
def test_leaving_members_out_is_what_an_edit_of_the_object_would_be(
    body: dict[str, object], names: set[str], style: str
) -> None:
    text = msgspec.json.encode(body)
    if style == "spaced":
        text = b" \n" + msgspec.json.format(text, indent=2) + b" "
    left = msgspec.json.decode(splice(text, leave_out(text, names)))
    assert left == {key: value for key, value in body.items() if key not in names}
    assert list(left) == [key for key in body if key not in names]
