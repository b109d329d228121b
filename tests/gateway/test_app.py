"""The app: what a reload moves, and what it leaves where it cannot."""

from pathlib import Path

from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import configured, running, single, until

LEDGER = 'telemetry: {{ledger: "{}"}}'


async def test_a_ledger_that_could_not_be_opened_is_opened_by_the_next_reload(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, LEDGER.format(first))) as gateway:
        old, moved = gateway.gateway.ledger, configured(single(up.url, LEDGER.format(second)))
        second.write_bytes(b"this is no ledger, and long enough that nobody could take it for an empty one" * 20)
        await gateway.app.swap(moved)
        assert gateway.gateway.ledger is old
        second.unlink()
        await gateway.app.swap(moved)
        ledger = gateway.gateway.ledger
        assert ledger is not None and ledger is not old
        assert (await ask(gateway.port, chat("m"))).status == 200
        await until(lambda: ledger.written == 1)
