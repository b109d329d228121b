"""vLLM's KV-cache events, decoded across its versions.

A message is topic, sequence number (8 bytes, big-endian; newer publishers append their own id) and a batch in
MessagePack. Batch and events are arrays in some versions, maps in others; fields are only ever appended.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

Hash = int | bytes
STORED = (
    "block_hashes", "parent_block_hash", "token_ids", "block_size", "lora_id", "medium", "lora_name", "extra_keys",
    "group_idx", "kv_cache_spec_kind", "kv_cache_spec_sliding_window",
)  # fmt: skip
REMOVED = ("block_hashes", "medium", "group_idx")
FIELDS = {"BlockStored": STORED, "BlockRemoved": REMOVED, "AllBlocksCleared": ()}


class Stored(msgspec.Struct, frozen=True):
    """Blocks of ``size`` tokens each, behind ``parent``. ``extras``: what else keeps each apart, beyond ``adapter``."""

    hashes: list[Hash]
    parent: Hash | None
    tokens: list[int]
    size: int
    adapter: str = ""
    extras: list[list[Any]] = []
    group: int = 0
    partial: bool = False  # of layers that keep a part of a prefix alone: they tell nothing of whole ones


class Removed(msgspec.Struct, frozen=True):
    hashes: list[Hash]
    group: int = 0


class Cleared(msgspec.Struct, frozen=True):
    """Nothing is held any more."""


Event = Stored | Removed | Cleared


class Batch(msgspec.Struct, frozen=True):
    seq: int
    publisher: bytes
    events: list[Event]


class Garbage(Exception):
    """Not what an engine would say."""


def decode(frames: Sequence[bytes]) -> Batch:
    """
    Raises:
        Garbage: it is no batch of events.
    """
    if len(frames) != 3 or len(frames[1]) < 8:
        raise Garbage(f"{len(frames)} frames; the second must hold a sequence number")
    try:
        batch = msgspec.msgpack.decode(frames[2])
        written = batch["events"] if isinstance(batch, dict) else batch[1]
        events = [event for each in written if (event := _event(each)) is not None]
    except (msgspec.DecodeError, LookupError, TypeError, ValueError) as error:
        raise Garbage(f"not a batch of cache events: {error}") from None
    return Batch(int.from_bytes(frames[1][:8]), frames[1][8:], events)


def _event(written: Any) -> Event | None:
    """One event; None where its kind is unknown."""
    if isinstance(written, list):
        kind = written[0]
        values = dict(zip(FIELDS.get(kind, ()), written[1:], strict=False))
    else:
        kind, values = written["type"], written
    if kind == "BlockStored":
        return _stored(values)
    if kind == "BlockRemoved":
        return Removed(_hashes(values["block_hashes"]), _group(values))
    return Cleared() if kind == "AllBlocksCleared" else None


def _stored(values: dict[str, Any]) -> Stored:
    hashes, tokens, size = _hashes(values["block_hashes"]), values["token_ids"], int(values["block_size"])
    if size < 1 or not all(type(token) is int and token >= 0 for token in tokens):
        raise ValueError("block_size or token_ids")
    adapter = values.get("lora_name") or ""
    if type(adapter) is not str:
        raise ValueError("lora_name")
    extras = values.get("extra_keys") or [None] * len(hashes)
    partial = bool(values.get("kv_cache_spec_sliding_window")) or len(tokens) != size * len(hashes)
    return Stored(
        hashes=hashes,
        parent=_hashes([parent])[0] if (parent := values["parent_block_hash"]) is not None else None,
        tokens=tokens,
        size=size,
        adapter=adapter,
        extras=[[key for key in keys or () if key != adapter] for keys in extras],
        group=_group(values),
        partial=partial or len(extras) != len(hashes),
    )


def _group(values: dict[str, Any]) -> int:
    group = values.get("group_idx") or 0
    if type(group) is not int:
        raise ValueError("group_idx")
    return group


def _hashes(written: Any) -> list[Hash]:
    if not all(type(each) in (int, bytes) for each in written):
        raise ValueError("block_hashes")
    return list(written)
