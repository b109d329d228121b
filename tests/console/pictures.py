"""Pictures for the documentation: python -m tests.console.pictures [DIRECTORY]

A real gateway under load in front of emulated engines, then one of them killed; seen by a real browser and by
`cloverleaf status`. Nothing is drawn by hand. Takes about four minutes.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import uvloop
from playwright.async_api import Browser, Page

from tests.console.browser import PHONE, browser
from tests.console.world import CONFIG, engines, traffic
from tests.e2e.process import Serving, run, serving

TOKEN = "a-token-for-the-pictures"
DESKTOP = {"width": 1280, "height": 820}
WARM = 150.0  # seconds of load before the first picture


async def main(directory: Path, warm: float) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        async with engines(3, slots=6) as (made, roots), engines(1, slots=64) as (_, cloud), browser() as started:
            config = CONFIG.format(token=TOKEN, pool=", ".join(roots), cloud=cloud[0])
            async with serving(Path(scratch), config) as gateway:
                load = asyncio.create_task(traffic(gateway.url, rate=13.0))
                await asyncio.sleep(warm)
                await take(started, gateway, directory, "console-light", "light", DESKTOP)
                await take(started, gateway, directory, "console-phone", "light", PHONE, whole=True)
                await decision(started, gateway, directory)
                await take(started, gateway, directory, "console-policy", "light", DESKTOP, view="policy")
                await made[1].stop()
                await asyncio.sleep(warm / 8)
                await take(started, gateway, directory, "console-endpoint-down", "dark", DESKTOP)
                await take(started, gateway, directory, "console-phone-dark", "dark", PHONE)
                picture = str((directory / "status.svg").resolve())
                await run(Path(scratch), "status", "--url", gateway.admin, "--token", TOKEN, "--svg", picture)
                load.cancel()


async def opened(started: Browser, gateway: Serving, theme: str, size: dict[str, int], view: str) -> Page:
    page = await started.new_page(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    await page.goto(f"{gateway.admin}/#/{view}")
    await page.get_by_label("Admin token").fill(TOKEN)
    await page.get_by_role("button", name="Sign in").click()
    await page.locator("#link", has_text="live").wait_for()
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(2500)
    return page


async def take(
    started: Browser, gateway: Serving, directory: Path, name: str, theme: str, size: dict[str, int],
    view: str = "overview", whole: bool = False,
) -> None:  # fmt: skip
    page = await opened(started, gateway, theme, size, view)
    await page.screenshot(path=directory / f"{name}.png", full_page=whole)
    await page.close()


async def decision(started: Browser, gateway: Serving, directory: Path) -> None:
    page = await opened(started, gateway, "light", DESKTOP, "requests")
    await page.screenshot(path=directory / "console-requests.png")
    spilled = page.locator("#requests tr", has_text="why").filter(has_text="cloud")
    await (spilled if await spilled.count() else page).locator(".open", has_text="why").first.click()
    await page.get_by_role("heading", name="Predicted and actual").wait_for()
    await page.screenshot(path=directory / "console-decision.png")
    await page.close()


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs" / "pictures"
    uvloop.run(main(where, float(sys.argv[2]) if len(sys.argv) > 2 else WARM))
