"""What the tests of traffic and alerts stand on: a compiled configuration, and outcomes as journeys leave them."""

from collections.abc import Mapping
from typing import Any

from gateway.catalog.catalog import Catalog, compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.state.live_state import LiveState
from policies.attempts.outcome import Outcome
from policies.load.candidate import Candidate
from policies.vocabulary.types import Usage
from tests.contracts.serving import configured
from tests.outcome import filled

CONFIG = """
deployments:
  pool: {provider: vllm, model: m, endpoints: ["http://127.0.0.1:1", "http://127.0.0.1:2"], cost: {per_hour: 2}}
  cheap: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:3/v1", price: {input: 1, output: 2}}
  dear: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:4/v1", price: {input: 10, output: 20}}
  free: {provider: vllm, model: f, endpoints: ["http://127.0.0.1:5"]}
models:
  m: {deployments: [pool, dear, cheap], policy: mine}
  f: {deployments: [free]}
policies:
  mine: {kind: slo_cost, slo: {ttft: 500ms, tpot: 50ms, quantile: 0.9}}
"""


def catalog(text: str = CONFIG) -> Catalog:
    return compile_catalog(configured(text), {}, CredentialRefresher())


def members(known: Catalog | None = None) -> Mapping[str, tuple[Candidate, ...]]:
    """The endpoints that a catalog names, by deployment."""
    live = LiveState()
    live.follow((known or catalog()).topology)
    return live.endpoints.by_deployment


def outcome(deployment: str = "pool", model: str = "m", at: float = 10.0, ttft: float = 0.1, **fields: Any) -> Outcome:
    """A stream that ended at ``at`` and took ``ttft`` seconds to begin and a second in all; 100 tokens in, 11 out."""
    made = filled(b"req_1", "chat", at - 1.0, model=model, stream=True, deployment=deployment, endpoint="e", status=200)
    made.usage, made.first_token, made.finished = Usage(100, 11, 0, "upstream"), at - 1.0 + ttft, at
    for name, value in fields.items():
        setattr(made, name, value)
    return made
