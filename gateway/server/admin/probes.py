"""What orchestrators and scrapers ask of this process: is it alive, can it route, what has it counted."""

import asyncio

import msgspec
from litestar import Controller, Response, get
from litestar.openapi.datastructures import ResponseSpec

from gateway import clock
from gateway.proxy.context import Gateway
from gateway.reporting.monitor import not_ready
from gateway.reporting.telemetry import prometheus
from gateway.reporting.telemetry.readings import readings
from gateway.server.admin.guard import authorised


class Health(msgspec.Struct, frozen=True):
    """`ok` or `ready`; otherwise why no request can be routed."""

    status: str


class Probes(Controller):
    """Probes and metrics."""

    tags = ("probes",)

    @get("/health", sync_to_thread=False)
    def health(self) -> Health:
        """Whether the process runs."""
        return Health("ok")

    @get("/ready", sync_to_thread=False, responses={503: ResponseSpec(Health, description="No endpoint can serve.")})
    def ready(self, gateway: Gateway) -> Response[Health]:
        """Whether requests can be routed; 503 with the reason where not."""
        why = not_ready(gateway)
        return Response(Health(why or "ready"), status_code=503 if why else 200)

    @get("/metrics", guards=[authorised], media_type=prometheus.CONTENT_TYPE)
    async def metrics(self, gateway: Gateway) -> str:
        """Every metric, in Prometheus' text format."""
        return await asyncio.to_thread(prometheus.text, readings(gateway, clock.now()))
