"""A soak's memory grew with every connection, since each left a cycle to a collector that is kept calm. None may."""

import asyncio
import gc

from tests.contracts.serving import running

CONFIG = """
deployments: {d: {provider: embedded, model: m}}
models: {m: {deployments: [d]}}
"""
BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":1}'
REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b"


async def connect_and_leave(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(REQUEST % (len(BODY), BODY))
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()
    await writer.wait_closed()


async def test_a_connection_leaves_nothing_to_the_garbage_collector() -> None:
    async with running(CONFIG) as gateway:
        await connect_and_leave(gateway.port)
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                await connect_and_leave(gateway.port)
            while gateway.app.gateway.journeys:
                await asyncio.sleep(0)
            left = gc.collect()
        finally:
            gc.enable()
    assert left < 20, "less than one object a connection"
