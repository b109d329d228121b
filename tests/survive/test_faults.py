"""Every fault, for every endpoint family, streamed and not: rescued where somebody else can answer, one clean error
where nobody can, never a truncated answer passed off as whole; and afterwards the process is as it was."""

from pathlib import Path

import msgspec
import pytest

from policies.vocabulary.failure import Failure
from tests.contracts.client import Reply, ask, chat
from tests.survive.speech import OTHERS, PARTS, good_body, request
from tests.survive.table import TABLE, Ends, Row
from tests.survive.world import MOST, World, world

DOORS = {"chat": "litestar"}  # the others come through the hot one; tests/contracts proves that the doors are alike


def name(row: Row) -> str:
    return row.name


@pytest.mark.parametrize("alone", [False, True], ids=["rescued", "alone"])
@pytest.mark.parametrize("row", TABLE, ids=name)
async def test_a_fault(row: Row, alone: bool, certificate: tuple[Path, Path]) -> None:
    for family, streamed in row.kinds:
        for door in {DOORS.get(family, "hot"), "hot"}:
            async with world(row, family, streamed, alone, door, certificate) as made:
                reply = await ask(made.gateway.port, request(family, streamed))
                check(row, family, streamed, alone, reply)
                await account(row, alone, reply, made)


#: Faults that do not depend on how an answer is spelled, for every family that the table above leaves out.
OF_ALL = (
    "429-seconds",
    "429-short",
    "503",
    "500",
    "502-page",
    "401",
    "refused",
    "reset",
    "silent",
    "redirect",
    "endless-header",
    "gzip-bomb",
    "not-http",
    "bad-request",
)


@pytest.mark.parametrize("alone", [False, True], ids=["rescued", "alone"])
@pytest.mark.parametrize("family", OTHERS)
async def test_no_family_has_a_loop_of_its_own(family: str, alone: bool, certificate: tuple[Path, Path]) -> None:
    for row in TABLE:
        if row.name in OF_ALL:
            async with world(row, family, False, alone, "hot", certificate) as made:
                reply = await ask(made.gateway.port, request(family, False))
                check(row, family, False, alone, reply)
                await account(row, alone, reply, made)


def check(row: Row, family: str, streamed: bool, alone: bool, reply: Reply) -> None:
    """What the caller sees."""
    about = f"{row.name}, {family}, streamed={streamed}: {reply}"
    assert reply.whole, about
    ends = row.ends
    if ends in (Ends.AGAIN, Ends.SERVED) or (ends is Ends.RESCUED and not alone):
        served = "second" if ends is Ends.RESCUED else "first"
        assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, served), about
        assert reply.body == expected(row, family, streamed), about
    elif ends is Ends.BROKEN:
        assert reply.status == 200, about
        broken(row, family, reply.body)
    else:
        refused(row, family, reply)


def expected(row: Row, family: str, streamed: bool) -> bytes:
    if row.name == "no-done":
        return good_body(family, streamed).removesuffix(PARTS[family].done)
    return good_body(family, streamed)


def broken(row: Row, family: str, body: bytes) -> None:
    """The text so far as it was, an error, and nothing that ends a good stream."""
    parts = PARTS[family]
    so_far = parts.before + parts.text
    assert body.startswith(so_far), body
    assert b"[DONE]" not in body, body
    assert row.name == "half-the-choices" or parts.last not in body, body
    error = body.split(b"data: ")[-1]
    assert body.endswith(b"\n\n")
    said = msgspec.json.decode(error)
    assert row.failure is not None
    if family == "responses":
        assert (said["type"], said["code"]) == ("error", row.failure.code)
    elif family in ("messages", "count_tokens"):
        assert (said["type"], set(said["error"])) == ("error", {"type", "message"})
    else:
        assert said["error"]["code"] == row.failure.code


def refused(row: Row, family: str, reply: Reply) -> None:
    """One clean error, in the caller's dialect, with a word to people."""
    failure = row.failure
    assert failure is not None
    if row.ends is Ends.PASSED:
        assert (reply.status, reply.json["error"]["type"]) == (400, "scripted")
        return
    assert reply.status == failure.status, reply
    assert reply.headers["content-type"] == "application/json"
    error = reply.json["error"]
    assert error["message"]
    if failure is Failure.NOT_FOUND:  # said in the upstream's own words
        assert error["type"] == "scripted"
    elif family in ("messages", "count_tokens"):
        assert reply.json["type"] == "error"
    else:
        assert (error["code"], error["type"]) == (failure.code, failure.type)
    if row.retry_after is not None:
        assert int(reply.headers["retry-after"]) in (row.retry_after, row.retry_after + 1)
        assert "x-should-retry" not in reply.headers
    elif failure is not Failure.NOT_FOUND:
        assert (reply.headers["x-should-retry"], "retry-after" in reply.headers) == ("false", False)


async def account(row: Row, alone: bool, reply: Reply, made: World) -> None:
    """Attempts bounded and told alike by every witness; nothing left under way; the process still serves."""
    await made.idle()
    attempts, line, counted = int(reply.headers["x-cloverleaf-attempts"]), made.line(), made.attempts()
    assert 1 <= attempts <= MOST
    assert sum(counted.values()) == line["attempts"] == attempts, (counted, line)
    assert counted.get(("second", "ok"), 0) == len(made.second.calls) == int(row.ends is Ends.RESCUED and not alone)
    if made.calls() is not None:
        assert made.calls() == attempts - len(made.second.calls)
    well = (row.ends is Ends.RESCUED and not alone) or row.ends in (Ends.AGAIN, Ends.SERVED)
    assert line["status"] == reply.status
    assert line.get("failure") == (None if well or row.failure is None else row.failure.name)
    failed = {result for (_, result) in counted if result != "ok"}
    assert failed == ({row.failure.name} if row.failure is not None else set())
    assert (await ask(made.gateway.port, chat("spare"))).status == 200
    assert [one for one in made.gateway.log.getvalue().splitlines() if '"defect"' in one] == []
