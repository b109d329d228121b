"""The prober. Rule: it follows the registry and nothing else, and it ends when told to, whatever it was doing."""

import asyncio
import io
from collections.abc import Callable

from backends.contract.adapter import Wire
from backends.contract.transport import Receiver
from gateway.catalog.catalog import compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.probing.health import HealthProber
from gateway.recording.log import Log
from gateway.state.live_state import LiveState
from policies.vocabulary.failure import Failure, Fault
from tests.contracts.serving import LIMIT, configured

ROOT = "http://127.0.0.1:9"
CONFIG = f"""
deployments: {{pool: {{provider: vllm, model: m, endpoints: ["{ROOT}"]}}}}
models: {{m: {{deployments: [pool]}}}}
"""


class Refusing:
    """A transport that finds nobody, and says so in the next turn of the loop; ``then`` follows in the same turn."""

    def __init__(self) -> None:
        self.then: Callable[[], object] = lambda: None

    def send(self, wire: Wire, receiver: Receiver) -> "Refusing":
        asyncio.get_running_loop().call_soon(self._refuse, receiver)
        return self

    def _refuse(self, receiver: Receiver) -> None:
        receiver.lost(Fault(Failure.UNREACHABLE, "refused"))
        self.then()

    def cancel(self) -> None: ...

    pause = resume = cancel

    async def close(self) -> None: ...


async def test_it_ends_even_if_told_so_in_the_moment_an_answer_comes() -> None:
    live, transport, log = LiveState(), Refusing(), Log("off", io.StringIO())
    prober = HealthProber(transport, live, log)
    ended = asyncio.Event()

    async def close() -> None:
        await prober.close()
        ended.set()

    closing: list[asyncio.Task[None]] = []
    transport.then = lambda: closing.append(asyncio.create_task(close()))
    catalog = compile_catalog(configured(CONFIG), {}, CredentialRefresher())
    live.follow(catalog.topology)
    prober.follow(catalog)
    async with asyncio.timeout(LIMIT):
        await ended.wait()
    log.close()
