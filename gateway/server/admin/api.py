"""The admin API: what the console, the terminal and scripts read. Guarded as a whole; answers are never cached."""

import asyncio
from typing import Annotated

from litestar import Controller, get
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import NotFoundException
from litestar.params import Parameter

from gateway import clock
from gateway.catalog.show import Shown, shown
from gateway.proxy.context import Gateway
from gateway.proxy.decisions import Record
from gateway.reporting import recent_requests
from gateway.reporting.monitor import Monitor
from gateway.reporting.recent_requests import Opened, Recent
from gateway.reporting.report import Report
from gateway.server.admin.guard import authorised
from gateway.state.checkpoint import snapshot


class Api(Controller):
    """Status, decisions, recent requests, and the configuration in force."""

    path = "/api"
    guards = (authorised,)
    cache_control = CacheControlHeader(no_store=True)
    security = ({"token": []},)
    tags = ("api",)

    @get("/status", sync_to_thread=False)
    def status(
        self,
        gateway: Gateway,
        monitor: Monitor,
        whole: Annotated[
            str | None,
            Parameter(query="state", description="If given, include the state that decisions are made from."),
        ] = None,
    ) -> Report:
        """What the router sees now."""
        made = monitor.report()
        if whole is not None:
            made.state = snapshot(gateway.live, clock.now())
        return made

    @get("/decisions", sync_to_thread=False)
    def decisions(self, gateway: Gateway) -> list[Record]:
        """Recent recorded decisions, the newest last."""
        return gateway.decisions.recent()

    @get("/requests", sync_to_thread=False)
    def requests(
        self,
        gateway: Gateway,
        id: Annotated[str | None, Parameter(description="One request, by its x-request-id.")] = None,
        limit: Annotated[int, Parameter(description="Maximum number of items.")] = 100,
        explain: Annotated[
            str | None, Parameter(description="If given, only requests with a recorded decision.")
        ] = None,
        again: Annotated[bool, Parameter(description="With `id`: where such a request would go now.")] = False,
    ) -> list[Recent] | list[Opened] | Opened:
        """Recent requests, the newest first; or one of them with its attempts and its decision."""
        if id is None:
            read = recent_requests.newest if explain is None else recent_requests.explained
            return read(gateway, max(0, limit))
        found = recent_requests.opened(gateway, id, again)
        if found is None:
            raise NotFoundException("no recent request has this id")
        return found

    @get("/config")
    async def config(self, gateway: Gateway) -> Shown:
        """The configuration in force, with defaults filled in and secrets masked."""
        return await asyncio.to_thread(shown, gateway.catalog.config)
