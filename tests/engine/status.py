"""What the gateway sees. Rule: asked of its admin port, as an operator would."""

from typing import Any

import httpx

from tests.engine.gateway import Gateway
from tests.engine.process import Server


async def endpoints(gateway: Gateway) -> dict[str, dict[str, Any]]:
    """Endpoint URL → its status."""
    async with httpx.AsyncClient() as http:
        report = (await http.get(f"{gateway.admin}/api/status")).raise_for_status().json()
    return {endpoint["url"]: endpoint for each in report["deployments"] for endpoint in each["endpoints"]}


async def is_up(gateway: Gateway, engine: Server) -> bool:
    return bool((await endpoints(gateway))[engine.url]["up"])
