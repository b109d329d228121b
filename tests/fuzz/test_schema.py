"""The public port as its document describes it, and as it does not: schemathesis makes both kinds of requests."""

import asyncio
from collections.abc import Callable

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.contracts.serving import Running
from tests.fuzz.conftest import INPUTS, factor
from tests.fuzz.openapi import document
from tests.fuzz.test_doors import gateway, judge

__all__ = ["gateway"]
EXAMPLES = 10  # of each operation, in each mode


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
async def test_requests_by_the_schema_and_against_it(
    gateway: Running, mode: schemathesis.GenerationMode, record_property: Callable[[str, object], None]
) -> None:
    record_property(INPUTS, await asyncio.to_thread(ask_all, gateway.url, mode))


def ask_all(url: str, mode: schemathesis.GenerationMode) -> int:
    """How many requests there were; each got an answer of ours that is no 5xx."""
    asked = 0
    with requests.Session() as session:
        for made in schemathesis.openapi.from_dict(document()).get_all_operations():
            operation = made.ok()
            if mode is schemathesis.GenerationMode.NEGATIVE and operation.method == "get":
                continue  # its document forbids nothing

            @settings(
                max_examples=int(EXAMPLES * factor()),
                database=None,
                derandomize=True,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(operation.as_strategy(generation_mode=mode))
            def ask(case: schemathesis.Case) -> None:
                nonlocal asked
                asked += 1
                answer = case.call(base_url=url, session=session, timeout=30)
                judge(answer.status_code, answer.content, case)

            ask()
    return asked
