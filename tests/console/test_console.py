"""The console in a real browser: it loads alone, follows what happens, asks who you are, and shows anything safely."""

import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from playwright.async_api import Page, expect

from backends.engine.server import Engine
from tests.console.world import engines
from tests.contracts.serving import Running, admin, running, until
from tests.e2e.process import asked, serving

TOKEN = "a-token-of-the-admin-port"
CONFIG = """
admin: {{token: {token}}}
deployments:
  pool: {{provider: vllm, model: llama-3.1-8b, endpoints: [{pool}], cost: {{per_hour: 0.4}}, scrape: 100ms}}
  cloud: {{provider: openai_compatible, model: llama-3.1-8b, base_url: "{cloud}/v1", price: {{input: 1, output: 2}}}}
models: {{demo: {{deployments: [pool, cloud], policy: power_of_two}}}}
telemetry: {{decisions: {decisions}}}
"""


class Watched:
    """A gateway with its engines, and where its console is."""

    def __init__(self, gateway: Running, url: str, engines: list[Engine], roots: list[str]) -> None:
        self.gateway, self.url, self.engines, self.roots = gateway, url, engines, roots
        gateway.gateway.url = gateway.url

    async def ask(self, count: int = 1, **fields: Any) -> list[httpx.Response]:
        headers = fields.pop("headers", {})
        async with httpx.AsyncClient(timeout=60) as http:
            path = f"{self.gateway.url}/v1/chat/completions"
            body = asked("demo", max_tokens=5, stream=True) | fields
            return [await http.post(path, json=body, headers=headers) for _ in range(count)]


@asynccontextmanager
async def watched(token: str = "null", decisions: str = "100%", count: int = 2) -> AsyncIterator[Watched]:
    async with engines(count + 1) as (made, roots):
        pool, cloud = ", ".join(f'"{root}"' for root in roots[:count]), roots[count]
        text = CONFIG.format(token=token, pool=pool, cloud=cloud, decisions=decisions)
        async with running(text) as gateway, admin(gateway) as client:
            yield Watched(gateway, str(client.base_url), made, roots)


async def live(page: Page) -> None:
    await expect(page.locator("#link")).to_have_text("live")


async def test_it_loads_by_itself_with_nothing_from_elsewhere_and_no_word_of_complaint(page: Page) -> None:
    complaints: list[str] = []
    asked_for: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked_for.append(request.url))
    async with watched() as world:
        reply = await page.goto(world.url)
        assert reply is not None and "default-src 'none'" in reply.headers["content-security-policy"]
        await live(page)
        await world.ask(3)
        await expect(page.locator(".tiles")).to_be_visible()
        for tab in ("Requests", "Policy", "Overview"):
            await page.get_by_role("tab", name=tab).click()
        await expect(page.locator("#policy .yaml")).to_contain_text("power_of_two")
    assert complaints == []
    assert len(asked_for) > 5 and all(url.startswith(world.url) for url in asked_for)


async def test_the_first_look_says_what_to_try_and_figures_follow_what_happens(page: Page) -> None:
    async with watched() as world:
        await page.goto(world.url)
        await expect(page.get_by_role("heading", name="No requests yet")).to_be_visible()
        await expect(page.get_by_label("A first request")).to_contain_text(
            f"curl {world.gateway.url}/v1/chat/completions"
        )
        await expect(page.get_by_label("A first request")).to_contain_text('"model": "demo"')
        await world.ask(4)
        await expect(page.locator(".tile", has_text="Failed")).to_contain_text("4 in the last")
        await expect(page.locator(".tile", has_text="First token").locator(".big")).to_contain_text("ms")
        row = page.get_by_role("table", name="Traffic by deployment").get_by_role("row", name="pool")
        await expect(row).to_contain_text("100 %")
        await expect(page.get_by_role("img", name=re.compile("Requests per second.*pool: now"))).to_be_visible()
        await world.ask(2, model="nothing")
        await expect(page.locator(".tile", has_text="Failed")).to_contain_text("6 in the last")
        await page.get_by_role("tab", name="Requests").click()
        await expect(page.locator("#requests tbody tr")).to_have_count(6)
        await page.get_by_label("failed only").check()
        await expect(page.locator("#requests tbody tr:visible")).to_have_count(2)
        await page.get_by_label("Filter").fill("no such thing")
        await expect(page.locator("#requests .empty")).to_have_text("No recent request matches.")


async def test_a_dead_endpoint_is_an_alert_and_a_state_and_both_go_when_it_is_back(page: Page) -> None:
    async with watched() as world:
        await page.goto(world.url)
        await live(page)
        root = world.roots[0]
        await expect(page.locator("#alerts li")).to_have_count(0)
        await world.engines[0].stop()
        alert = page.locator("#alerts li", has_text="no requests are sent to it")
        await expect(alert).to_contain_text(f"pool {root}")
        await expect(page.locator("#announce")).to_contain_text(f"Alert: pool {root} endpoint down.")
        await expect(page).to_have_title("(1) Cloverleaf")
        row = page.get_by_role("table", name="Load and state by endpoint").get_by_role("row", name=root)
        await expect(row.locator(".sign.critical")).to_have_text("down")
        await world.engines[0].start(port=int(root.rpartition(":")[2]))
        await expect(page.locator("#alerts li")).to_have_count(0)
        await expect(row.locator(".sign.fine")).to_have_text("up")
        await expect(page.locator("#announce")).to_have_text("No alerts.")


async def test_the_token_is_asked_for_and_kept_in_this_tab_alone(page: Page) -> None:
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    async with watched(token=TOKEN) as world:
        await page.goto(world.url)
        await expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
        await expect(page.get_by_label("Admin token")).to_be_focused()
        await page.keyboard.press("Escape")
        await page.get_by_label("Admin token").fill("a-guess")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_have_text("This is not the gateway's token.")
        await expect(page.locator("#overview")).to_be_empty()
        await page.get_by_label("Admin token").fill(TOKEN)
        await page.get_by_role("button", name="Sign in").click()
        await live(page)
        await expect(page.get_by_role("dialog")).to_have_count(0)
        stored = await page.evaluate(
            "() => JSON.stringify([localStorage, document.cookie, location.href, history.state])"
        )
        assert TOKEN not in stored and all(TOKEN not in url for url in urls)
        await page.reload()
        await live(page)  # the tab still knows it
        other = await page.context.new_page()
        await other.goto(world.url)
        await expect(other.get_by_role("dialog", name="Sign in")).to_be_visible()  # another does not
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()
        assert await page.evaluate("() => sessionStorage.length") == 0


async def test_a_token_that_is_no_longer_right_is_asked_for_again(page: Page) -> None:
    async with watched(token=TOKEN) as world:
        await page.add_init_script("sessionStorage.setItem('cloverleaf-token', 'of yesterday')")
        await page.goto(world.url)
        await expect(page.get_by_role("alert")).to_have_text("This is not the gateway's token.")


async def test_all_of_it_can_be_done_by_keyboard(page: Page) -> None:
    async with watched() as world:
        (reply,) = await world.ask(1)
        await page.goto(world.url)
        await live(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("tab", name="Overview")).to_be_focused()
        await page.keyboard.press("End")
        await expect(page.get_by_role("tab", name="Policy")).to_be_focused()
        await expect(page.get_by_role("tabpanel", name="Policy")).to_be_visible()
        await page.keyboard.press("ArrowLeft")
        await expect(page.get_by_role("tabpanel", name="Requests")).to_be_visible()
        button = page.get_by_role("button", name=f"Open request {reply.headers['x-request-id']}")
        for _ in range(12):
            if await button.evaluate("element => element === document.activeElement"):
                break
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog")
        await expect(dialog.get_by_role("heading", name="Predicted and actual")).to_be_visible()
        assert await page.evaluate("() => document.activeElement.closest('dialog') !== null")
        await expect(dialog.get_by_role("table").locator("tr.chosen")).to_contain_text("chosen")
        await expect(dialog).to_contain_text("power_of_two")
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
        await expect(button).to_be_focused()


async def test_new_requests_wait_while_somebody_is_at_the_table(page: Page) -> None:
    async with watched() as world:
        await world.ask(2)
        await page.goto(f"{world.url}/#/requests")
        await expect(page.locator("#requests tbody tr")).to_have_count(2)
        await page.locator(".open").first.focus()
        await world.ask(3)
        await expect(page.locator("#requests-note")).to_contain_text("3 new ones wait")
        await expect(page.locator("#requests tbody tr")).to_have_count(2)
        await page.get_by_label("Filter").focus()
        await expect(page.locator("#requests tbody tr")).to_have_count(5)
        await page.get_by_role("button", name="Pause").click()
        await world.ask(1)
        await expect(page.locator("#requests-note")).to_contain_text("1 new one waits")
        await page.get_by_role("button", name="Go on").click()
        await expect(page.locator("#requests tbody tr")).to_have_count(6)


async def test_a_decision_that_was_not_recorded_is_said_to_be_so(page: Page) -> None:
    async with watched(decisions="0%") as world:
        await world.ask(1)
        await page.goto(f"{world.url}/#/requests")
        await page.locator(".open").first.click()
        dialog = page.get_by_role("dialog")
        await expect(dialog).to_contain_text("Its decision was not recorded")
        await dialog.get_by_role("button", name="Where would it go now?").click()
        await expect(dialog.locator("tr.chosen")).to_contain_text("chosen")
        await expect(dialog.get_by_role("button", name="Where would it go now?")).to_be_focused()


@pytest.mark.parametrize("at", ["system", "switched"])
async def test_dark_is_dark_by_the_systems_wish_or_by_the_switch(page: Page, at: str) -> None:
    bright = "() => getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
    async with watched() as world:
        await page.emulate_media(color_scheme="light")
        await page.goto(world.url)
        assert await page.evaluate(bright) > 600
        if at == "system":
            await page.emulate_media(color_scheme="dark")
        else:
            for theme in ("light", "dark"):
                await page.get_by_role("button", name="Theme").click()
                await expect(page.get_by_role("button", name=f"Theme: {theme}")).to_be_visible()
        assert await page.evaluate(bright) < 150
        await page.reload()
        assert await page.evaluate(bright) < 150


async def test_it_finds_its_way_back_to_a_gateway_that_was_started_again(page: Page, tmp_path: Path) -> None:
    text = "deployments: {pool: {provider: embedded, model: demo}}\nmodels: {demo: {deployments: [pool]}}\n"
    async with serving(tmp_path, text) as first:
        port = first.admin.rpartition(":")[2]
        async with httpx.AsyncClient(timeout=60) as http:
            await http.post(f"{first.url}/v1/chat/completions", json=asked("demo", max_tokens=2))
        await page.goto(f"{first.admin}/#/requests")
        await expect(page.locator("#requests tbody tr")).to_have_count(1)
        first.signal(signal.SIGTERM)
        await expect(page.locator("#cut")).to_contain_text("Not connected: the gateway does not answer.")
        assert await first.exit() == 0
    await expect(page.locator("#cut")).to_contain_text("Figures are of")
    async with serving(tmp_path, text, "--admin-port", port):
        await live(page)
        await expect(page.locator("#cut")).to_be_hidden()
        await expect(page.locator("#requests tbody tr")).to_have_count(0)  # the new one was asked nothing


async def test_a_tab_that_nobody_sees_costs_the_gateway_nothing(page: Page) -> None:
    hide = """hidden => {
        Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    async with watched() as world:
        await page.goto(world.url)
        await live(page)
        await page.evaluate(hide, True)
        await until(lambda: world.gateway.app.feed.viewers == 0)
        await page.evaluate(hide, False)
        await until(lambda: world.gateway.app.feed.viewers == 1)
        await page.close()
        await until(lambda: world.gateway.app.feed.viewers == 0)


EVIL = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\u202e${1}&amp;'\""


def _evil(value: object) -> object:
    """The same, with every name and text turned into markup."""
    if isinstance(value, dict):
        return {key: _evil(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_evil(item) for item in value]
    return EVIL if isinstance(value, str) and value not in ("critical", "warning", "notice") else value


async def test_whatever_a_name_or_an_id_holds_is_shown_as_text(page: Page) -> None:
    async with watched() as world, httpx.AsyncClient(base_url=world.url) as http:
        await world.ask(1)
        report = (await http.get("/api/status")).json()
        (recent,) = (await http.get("/api/requests")).json()
        opened = (await http.get("/api/requests", params={"id": recent["request"]["id"]})).json()
        config = (await http.get("/api/config")).json()
        alert = {"severity": "critical", "kind": "endpoint_down", "about": "x", "message": "x", "since": 1}
        told = {**_evil(report), "alerts": [_evil(alert)]}  # type: ignore[dict-item]
        told["models"] = {EVIL: [[EVIL]]}
        told["now"]["flows"] = {EVIL: report["now"]["flows"]["pool"]}
        told["now"]["money"] |= {"unknown": [EVIL], "unpriced": [EVIL]}
        for deployment in told["deployments"]:
            for endpoint in deployment["endpoints"]:
                endpoint["breakers"] = {EVIL: EVIL}
        event = {"report": told, "points": [], "requests": [_evil(recent)]}
        config |= {
            "yaml": EVIL,
            "models": {EVIL: _evil(config["models"]["demo"])},
            "policies": {EVIL: _evil(config["policies"]["power_of_two"])},
            "routes": [{"name": EVIL, "match": {EVIL: EVIL}, "to": {"model": EVIL}}],
        }
        answers = {
            "**/api/events": ("text/event-stream", b"event: hello\ndata: " + msgspec.json.encode(event) + b"\n\n"),
            "**/api/requests?*": ("application/json", msgspec.json.encode(_evil(opened))),
            "**/api/config": ("application/json", msgspec.json.encode(config)),
        }
        for pattern, (kind, body) in answers.items():
            await page.route(pattern, lambda route, kind=kind, body=body: route.fulfill(content_type=kind, body=body))
        await page.goto(world.url)
        await expect(page.locator("#alerts")).to_contain_text("onerror")
        await expect(page.locator("#overview")).to_contain_text("onerror")
        await page.get_by_role("tab", name="Policy").click()
        await expect(page.locator("#policy .cards").first).to_contain_text("onerror")
        await page.get_by_role("tab", name="Requests").click()
        await page.locator(".open").first.click()
        await expect(page.get_by_role("dialog").get_by_role("table")).to_contain_text("onerror")
        assert await page.locator("img").count() == 1 and await page.locator("script").count() == 1
        assert "owned" not in await page.title()


async def test_the_console_and_the_terminal_tell_of_the_same_alerts(page: Page) -> None:
    async with watched() as world, httpx.AsyncClient(base_url=world.url) as http:
        await page.goto(world.url)
        for engine in world.engines:
            await engine.stop()
        await expect(page.locator("#alerts li.critical")).to_contain_text("None of its 2 endpoints is up.")
        told = (await http.get("/api/status")).json()["alerts"]
        shown = await page.locator("#alerts li b").all_text_contents()
        assert shown == [alert["about"] for alert in told]


async def test_money_is_told_by_its_leading_digits_however_little_it_is(page: Page) -> None:
    """Seen: 3.0e-10 lost its last digit, and was 0.3."""
    async with watched() as world:
        await page.goto(world.url)
        asked = "async values => values.map((await import('/format.js')).dollars)"
        assert await page.evaluate(asked, [3e-10, 0.01, 0.000125]) == ["$3e-10", "$0.01", "$0.00013"]
