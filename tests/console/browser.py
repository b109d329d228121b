"""A real browser. Rule: Debian's Chromium, headless, with an empty profile; it talks to the page and nobody else."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless=new", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-sandbox",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
DESKTOP = {"width": 1280, "height": 900}
TABLET = {"width": 780, "height": 1000}
PHONE = {"width": 360, "height": 740}


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """One that runs, with a new profile that is thrown away."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield started
        finally:
            await started.close()
