"""What the tests of the console share: one browser for all, a context of its own for each, and the product's loop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import uvloop
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.console.browser import CHROMIUM, DESKTOP, browser

HERE = Path(__file__).parent
LIMIT = 30_000  # ms for what takes a second or two, unless the machine is busy


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All run on one loop, which the browser is bound to; and not at all where there is no browser."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    expect.set_options(timeout=LIMIT)
    async with browser() as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    """A stranger's: nothing is stored, and nobody has signed in."""
    made = await chromium.new_context(viewport=DESKTOP, reduced_motion="reduce")  # type: ignore[arg-type]
    made.set_default_timeout(LIMIT)
    yield made
    await made.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext) -> Page:
    return await context.new_page()
