"""The engine's other doors. Rule: each path below is open on the engine itself and shut at the gateway."""

from http.client import HTTPConnection

import httpx
import pytest

from tests.engine.gateway import KEY, Gateway
from tests.engine.vllm import Vllm

OPEN_ON_THE_ENGINE = ["/metrics", "/version", "/load", "/openapi.json", "/docs"]
DANGEROUS = ["/invocations", "/sleep", "/wake_up", "/pause", "/reset_prefix_cache", "/collective_rpc"]
LORA = ["/v1/load_lora_adapter", "/v1/unload_lora_adapter"]


@pytest.mark.parametrize("path", OPEN_ON_THE_ENGINE)
def test_what_the_engine_shows_is_not_shown(http: httpx.Client, engines: list[Vllm], path: str) -> None:
    assert httpx.get(f"{engines[0].url}{path}").is_success
    assert_shut(http.get(path))


@pytest.mark.parametrize("path", DANGEROUS + LORA)
def test_what_changes_the_engine_is_out_of_reach(http: httpx.Client, path: str) -> None:
    assert_shut(http.post(path, json={"model": "chat", "messages": []}))


@pytest.mark.parametrize("path", ["/v1/../metrics", "/v1/%2e%2e/metrics", "//metrics", "/v1/models/../../metrics"])
def test_no_spelling_of_a_path_leads_there(gateway: Gateway, path: str) -> None:
    """Sent as it is written: an HTTP library that knows manners would tidy it first."""
    connection = HTTPConnection(gateway.url.removeprefix("http://"), timeout=30)
    connection.request("GET", path, headers={"authorization": f"Bearer {KEY}"})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    assert answer.status in {400, 404}
    assert b"vllm:" not in text


def assert_shut(answer: httpx.Response) -> None:
    assert answer.status_code == 404
    assert answer.json()["error"]["message"], "the gateway's own words: the engine would say `detail`"
    assert answer.headers["x-request-id"]
