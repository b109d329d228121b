"""Cache events: every shape that versions of vLLM write is read alike, and garbage is called so."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.vllm.kv_events import Batch, Cleared, Garbage, Removed, Stored, decode

STORED = {
    "block_hashes": [11, 12], "parent_block_hash": 10, "token_ids": [1, 2, 3, 4], "block_size": 2, "lora_id": None,
    "medium": "GPU", "lora_name": None, "extra_keys": None, "group_idx": 0,
}  # fmt: skip
REMOVED = {"block_hashes": [11], "medium": "GPU", "group_idx": 0}
WANT = [Stored([11, 12], 10, [1, 2, 3, 4], 2, extras=[[], []]), Removed([11]), Cleared()]


def frames(batch: object, seq: int = 7, publisher: bytes = b"") -> list[bytes]:
    return [b"kv@1@m", seq.to_bytes(8) + publisher, msgspec.msgpack.encode(batch)]


def as_map(kind: str, values: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, **values}


def as_array(kind: str, values: dict[str, Any]) -> list[Any]:
    return [kind, *values.values()]


@pytest.mark.parametrize("event", [as_map, as_array], ids=["events are maps", "events are arrays"])
@pytest.mark.parametrize("batch", ["array", "short array", "map"])
def test_every_shape_is_read_alike(event, batch: str) -> None:  # type: ignore[no-untyped-def]
    events = [event("BlockStored", STORED), event("BlockRemoved", REMOVED), event("AllBlocksCleared", {})]
    written = {"array": [1.5, events, 0], "short array": [1.5, events], "map": {"ts": 1.5, "events": events}}[batch]
    assert decode(frames(written)) == Batch(7, b"", WANT)


def test_the_oldest_events_have_fewer_fields() -> None:
    """As of vLLM 0.9: no LoRA name, no extra keys, no groups; a removal without its medium."""
    events = [["BlockStored", [11], None, [1, 2], 2, None], ["BlockRemoved", [11]], ["AllBlocksCleared"]]
    assert decode(frames([1.5, events])).events == [
        Stored([11], None, [1, 2], 2, extras=[[]]),
        Removed([11]),
        Cleared(),
    ]


def test_fields_and_events_to_come_are_passed_over() -> None:
    events = [{**as_map("BlockRemoved", REMOVED), "brand_new": {"a": 1}}, {"type": "BlockMoved", "x": 1}, ["Later", 1]]
    assert decode(frames([1.5, events, 0, "more"])).events == [Removed([11])]


def test_a_newer_publisher_tells_who_it_is() -> None:
    batch = decode(frames([1.5, []], seq=300, publisher=b"i" * 16))
    assert (batch.seq, batch.publisher) == (300, b"i" * 16)


def test_what_keeps_blocks_apart_is_kept_but_for_the_adapter_which_has_a_field_of_its_own() -> None:
    event = {**STORED, "lora_name": "sql", "extra_keys": [["sql", "salt"], ["sql", ["image", 3]]]}
    (stored,) = decode(frames([1.5, [as_map("BlockStored", event)]])).events
    assert isinstance(stored, Stored)
    assert (stored.adapter, stored.extras) == ("sql", [["salt"], [["image", 3]]])


@pytest.mark.parametrize(
    "changed",
    [{"kv_cache_spec_sliding_window": 4096}, {"token_ids": [1, 2, 3, 4, 5, 6]}, {"extra_keys": [None]}],
    ids=["sliding window", "blocks left out", "keys left out"],
)
def test_layers_that_keep_a_part_of_a_prefix_are_told_apart(changed: dict[str, Any]) -> None:
    (stored,) = decode(frames([1.5, [as_map("BlockStored", {**STORED, **changed, "group_idx": 1})]])).events
    assert isinstance(stored, Stored)
    assert stored.partial
    assert stored.group == 1


def test_hashes_may_be_bytes() -> None:
    event = as_map("BlockStored", {**STORED, "block_hashes": [b"a" * 32, b"b" * 32], "parent_block_hash": b"c" * 32})
    (stored,) = decode(frames([1.5, [event]])).events
    assert isinstance(stored, Stored)
    assert (stored.hashes, stored.parent) == ([b"a" * 32, b"b" * 32], b"c" * 32)


GOOD = msgspec.msgpack.encode([1.5, []])


@pytest.mark.parametrize(
    "garbage",
    [
        [],
        [b"", b"1" * 8],
        [b"", b"1" * 7, GOOD],
        [b"", b"1" * 8, GOOD, b""],
        [b"", b"1" * 8, b""],
        [b"", b"1" * 8, b"\xc1"],
        [b"", b"1" * 8, msgspec.msgpack.encode(7)],
        [b"", b"1" * 8, msgspec.msgpack.encode([1.5])],
        [b"", b"1" * 8, msgspec.msgpack.encode({"ts": 1.5})],
        frames([1.5, [7]]),
        frames([1.5, [[]]]),
        frames([1.5, [{"block_hashes": [1]}]]),
        frames([1.5, [["BlockStored", [11]]]]),
        frames([1.5, [["BlockRemoved", 11]]]),
        frames([1.5, [as_map("BlockRemoved", {**REMOVED, "group_idx": [0]})]]),
        frames([1.5, [as_map("BlockStored", {**STORED, "group_idx": {"a": 1}})]]),
        frames([1.5, [as_map("BlockStored", {**STORED, "lora_name": ["sql"]})]]),
        frames([1.5, [["BlockRemoved", ["x"]]]]),
        frames([1.5, [["BlockStored", [11], "x", [1, 2], 2]]]),
        frames([1.5, [["BlockStored", [11], None, ["1", "2"], 2]]]),
        frames([1.5, [["BlockStored", [11], None, [1, 2], 0]]]),
        frames([1.5, [["BlockStored", [11], None, [1, 2], None]]]),
        frames([1.5, [["BlockStored", [11], None, None, 2]]]),
    ],
)
def test_garbage_is_called_so(garbage: list[bytes]) -> None:
    with pytest.raises(Garbage):
        decode(garbage)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
events = st.one_of(
    st.tuples(st.sampled_from(["BlockStored", "BlockRemoved", "AllBlocksCleared"]), anything, anything, anything),
    st.fixed_dictionaries({"type": st.just("BlockStored"), **dict.fromkeys(STORED, anything)}),
    anything,
)


@given(st.lists(events, max_size=3) | anything)
def test_whatever_comes_is_a_batch_or_garbage(written: object) -> None:
    try:
        batch = decode(frames([1.5, written]))
    except Garbage:
        return
    assert isinstance(batch, Batch)
