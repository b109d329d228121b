"""The keyring: tokens are kept fresh in the background, over reloads, and a start waits for the first."""

import asyncio
import io
from collections.abc import Callable

import pytest

from backends.contract.adapter import Wire
from backends.contract.credentials import RefreshFailed
from backends.contract.transport import Transport
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.recording.log import Log
from tests.contracts.serving import until


class Counting:
    """A credential that is refreshed as told: by seconds until the next time, or an exception."""

    def __init__(self, *after: float | Exception) -> None:
        self.refreshed = 0
        self._after = after

    def lines(self, wire: Wire) -> bytes:
        return b""

    async def refresh(self, transport: Transport) -> float:
        after = self._after[min(self.refreshed, len(self._after) - 1)]
        self.refreshed += 1
        if isinstance(after, Exception):
            raise after
        return after


class Hanging(Counting):
    """A credential whose issuer never answers."""

    def __init__(self) -> None:
        super().__init__(3600.0)
        self.cancelled = asyncio.Event()

    async def refresh(self, transport: Transport) -> float:
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.cancelled.set()


def always(credential: Counting) -> Callable[[], Counting]:
    return lambda: credential


@pytest.fixture
def log() -> Log:
    return Log("info", io.StringIO())


class _Nowhere:
    """A transport that nothing is sent by."""


async def follow(ring: CredentialRefresher, log: Log) -> None:
    await ring.follow(_Nowhere(), log)  # type: ignore[arg-type]


async def test_a_start_waits_for_the_first_token_and_goes_on(log: Log) -> None:
    ring, credential = CredentialRefresher(), Counting(0.001, 0.001, 3600.0)
    assert ring.credential("a", always(credential)) is credential
    await follow(ring, log)
    assert credential.refreshed >= 1
    await until(lambda: credential.refreshed == 3)
    await ring.close()


async def test_a_reload_keeps_the_credential_and_drops_what_is_not_named(log: Log) -> None:
    ring, kept, gone = CredentialRefresher(first=0.001), Counting(3600.0), Hanging()
    ring.credential("kept", always(kept))
    ring.credential("gone", always(gone))
    await follow(ring, log)  # which does not wait for the one that hangs
    assert ring.credential("kept", always(Counting(1.0))) is kept
    await follow(ring, log)
    await until(gone.cancelled.is_set)
    assert kept.refreshed == 1
    again = Counting(3600.0)
    assert ring.credential("gone", always(again)) is again
    ring.credential("kept", always(kept))
    await follow(ring, log)
    await until(lambda: again.refreshed == 1)
    await ring.close()


@pytest.mark.parametrize("error", [RefreshFailed("they said no"), RuntimeError("a defect")])
async def test_a_failure_is_logged_and_tried_again(error: Exception) -> None:
    out = io.StringIO()
    log = Log("info", out)
    ring, credential = CredentialRefresher(retry=0.001), Counting(error, 3600.0)
    ring.credential("a", always(credential))
    await follow(ring, log)
    await until(lambda: credential.refreshed == 2)
    await ring.close()
    log.close()
    assert str(error) in out.getvalue()
