"""The KV-event publisher over ZeroMQ, in vLLM's format.

Frames: topic, sequence number in 8 bytes, and a batch in MessagePack: [time, events, data-parallel rank].
"""

from collections.abc import Iterator
from time import time  # noqa: TID251 - a server of its own
from typing import Any

import msgspec
import zmq

from backends.engine.cache_events import News, Removed, Stored
from backends.engine.text import TOKEN_BYTES, encode

KEPT = 100_000  # messages for a listener that is slow; what comes after is dropped, as in vLLM


class Publisher:
    """Binds ``address``; ``tcp://127.0.0.1:*`` takes any port. ``bound``: the actual address."""

    def __init__(self, address: str, block_size: int, news: list[News]) -> None:
        self._news = news
        self._size = block_size
        self._seq = 0
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.PUB)
        self._socket.setsockopt(zmq.SNDHWM, KEPT)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise OSError(f"cannot publish cache events at {address}: {error}") from None
        self.bound = self._socket.get_string(zmq.LAST_ENDPOINT)

    def publish(self) -> None:
        """Tell what has happened since, if anything has."""
        if not self._news:
            return
        batch = (time(), [*self._events()], 0)
        self._news.clear()
        self._socket.send_multipart((b"", self._seq.to_bytes(8), msgspec.msgpack.encode(batch)))
        self._seq += 1

    def close(self) -> None:
        self._context.destroy(linger=0)

    def _events(self) -> Iterator[dict[str, Any]]:
        run: list[Stored] = []  # neighbouring blocks of one prompt, which are one event
        for news in self._news:
            if run and not (isinstance(news, Stored) and news.work is run[-1].work and news.index == run[-1].index + 1):
                yield self._stored(run)
                run = []
            if isinstance(news, Stored):
                run.append(news)
            elif isinstance(news, Removed):
                yield {"type": "BlockRemoved", "block_hashes": [news.key], "medium": "GPU", "group_idx": 0}
            else:
                yield {"type": "AllBlocksCleared"}
        if run:
            yield self._stored(run)

    def _stored(self, run: list[Stored]) -> dict[str, Any]:
        work, first, last = run[0].work, run[0].index, run[-1].index + 1
        width = self._size * TOKEN_BYTES
        salts = [[work.salt] if work.salt and index == 0 else None for index in range(first, last)]
        return {
            "type": "BlockStored",
            "block_hashes": list(work.keys[first:last]),
            "parent_block_hash": work.keys[first - 1] if first else None,
            "token_ids": encode(work.data[first * width : last * width]),
            "block_size": self._size,
            "lora_id": None,
            "medium": "GPU",
            "lora_name": None,
            "extra_keys": salts,
            "group_idx": 0,
        }
