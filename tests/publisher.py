"""A ZeroMQ publisher that says what it is told to. Rule: it knows when it was subscribed to, so nothing is lost."""

import msgspec
import zmq

from tests.contracts.serving import until


class Publisher:
    """``place``: where it is reached."""

    def __init__(self, address: str = "tcp://127.0.0.1:*") -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.setsockopt(zmq.XPUB_VERBOSE, 1)
        self._socket.bind(address)
        self.place = self._socket.get_string(zmq.LAST_ENDPOINT)

    async def subscribed(self) -> None:
        """Its subscriber's subscription has arrived: from now on nothing is lost."""
        heard = b""
        while heard != b"\x01":  # an unsubscription of the one before may come first
            await until(lambda: self._socket.poll(0))
            heard = self._socket.recv()

    def say(self, *frames: bytes) -> None:
        self._socket.send_multipart(frames, zmq.NOBLOCK)  # a publisher waits for nobody: it would hang the test

    def close(self) -> None:
        self._context.destroy(linger=0)

    def events(self, seq: int, *events: object) -> None:
        """A batch as vLLM writes it."""
        self.say(b"", seq.to_bytes(8), msgspec.msgpack.encode([1.0, events, 0]))


def stored(hashes: list[int], parent: int | None, tokens: list[int], size: int = 16) -> dict[str, object]:
    """The event of full blocks."""
    return {
        "type": "BlockStored", "block_hashes": hashes, "parent_block_hash": parent, "token_ids": tokens,
        "block_size": size, "lora_id": None, "medium": "GPU", "lora_name": None,
    }  # fmt: skip
