"""Accessibility and sizes, in a real browser: every view, light and dark, wide and narrow, keeps the rules."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from tests.console.browser import DESKTOP, PHONE, TABLET
from tests.console.test_console import Watched, live, watched

RULES = (Path(__file__).parent / "rules.js").read_text()


async def views(page: Page, world: Watched) -> list[str]:
    """What is wrong in each view; by its name."""
    faults = []
    for tab, ready in (("Overview", ".tiles"), ("Policy", "#policy .yaml"), ("Requests", "#requests tbody tr")):
        await page.get_by_role("tab", name=tab).click()
        await expect(page.locator(ready).first).to_be_visible()
        faults += [f"{tab}: {fault}" for fault in await page.evaluate(RULES)]
        faults += await _too_wide(page, tab)
    await page.locator(".open", has_text="why").first.click()
    await expect(page.get_by_role("heading", name="Predicted and actual")).to_be_visible()
    faults += [f"decision: {fault}" for fault in await page.evaluate(RULES)]
    faults += await _too_wide(page, "decision")
    return faults


async def _too_wide(page: Page, view: str) -> list[str]:
    wide = await page.evaluate(
        "() => [document.scrollingElement, ...document.querySelectorAll('dialog[open]')]"
        ".filter(each => each.scrollWidth > each.clientWidth).length"
    )
    return [f"{view} scrolls sideways"] if wide else []


@pytest.mark.parametrize(
    ("size", "theme"), [(DESKTOP, "light"), (DESKTOP, "dark"), (TABLET, "light"), (PHONE, "light"), (PHONE, "dark")]
)
async def test_every_view_keeps_the_rules(page: Page, size: dict[str, int], theme: str) -> None:
    await page.set_viewport_size(size)  # type: ignore[arg-type]
    await page.emulate_media(color_scheme=theme, reduced_motion="reduce")  # type: ignore[arg-type]
    async with watched() as world:
        await world.ask(3)
        await world.ask(1, model="a-model-that-nobody-has-configured")
        await page.goto(world.url)
        await live(page)
        await world.engines[0].stop()
        await expect(page.locator("#alerts li").first).to_be_visible()
        assert "\n".join(await views(page, world)) == ""


async def test_the_first_look_and_the_form_keep_the_rules(page: Page) -> None:
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    async with watched(token="t") as world:
        await page.goto(world.url)
        await expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
        assert await page.evaluate(RULES) == []
        await page.get_by_label("Admin token").fill("t")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
        assert await page.evaluate(RULES) + await _too_wide(page, "first") == []


async def test_the_rules_find_faults(page: Page) -> None:
    """A page that breaks each: a check that never complains checks nothing."""
    await page.set_content("""<main></main><main></main><h3>deep</h3><button style="height: 10px"></button><input>
        <img src=""><svg></svg><p style="color: #999; background: #fff">faint</p><p id="a">1</p><p id="a">2</p>
        <table><tr><th>x</th></tr></table><div aria-labelledby="none">x</div><p tabindex="3">x</p>""")
    faults = " ".join(await page.evaluate(RULES))
    words = ("no name", "no label", "no alt", "neither hidden", "contrast", "two elements", "no caption", "no scope",
                 "names nothing", "jumps", "not one main", "level 3 follows", "px high", "no language")  # fmt: skip
    assert [word for word in words if word not in faults] == []
