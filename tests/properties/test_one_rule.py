"""One rule, wherever it is shown: the same answers are judged alike live, in metrics, the console and replays."""

from collections import Counter, deque

import pytest

from gateway.catalog.catalog import Catalog, compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.policy_compiler import service_level
from gateway.history.past_request import History, PastRequest
from gateway.history.replay import reality
from gateway.recording import instruments as i
from gateway.recording.metrics import Metrics
from gateway.report import migration_report
from gateway.report.fitted_price import Fitted
from gateway.reporting.telemetry import readings
from gateway.reporting.traffic_stats import Dropped, TrafficStats
from gateway.simulate.event_queue import Agenda
from gateway.simulate.results import Tally
from gateway.simulate.simulated_pool import Options, compile_pool, upstreams
from gateway.simulate.trace import Arrival, Trace
from gateway.simulate.upstream_models import Cloud, OwnReplica
from gateway.state.live_state import LiveState
from policies.attempts.outcome import Outcome
from policies.vocabulary.types import Request, Usage
from tests.contracts.serving import configured
from tests.gateway.world import outcome

CONFIG = """
deployments:
  pool: {provider: vllm, model: m, endpoints: ["http://127.0.0.1:1"], cost: {per_hour: 2}}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:3/v1", price: {input: 1, output: 2}}
models:
  m: {deployments: [pool, cloud], policy: mine}
policies:
  mine: {kind: slo_cost, slo: {ttft: 500ms, per_1k_tokens: 100ms, tpot: 50ms, quantile: 0.9}}
"""
ANSWERS = [  # deployment, tokens in and out, seconds to the first token and for each further one
    ("pool", 1000, 11, 0.55, 0.01),
    ("pool", 1000, 11, 0.65, 0.01),  # late
    ("cloud", 100, 11, 0.55, 0.01),  # late for so short a prompt
    ("cloud", 100, 11, 0.40, 0.06),  # slow
    ("pool", 100, 3, 0.40, 0.06),  # slow, though short
    ("pool", 100, 1, 0.40, 9.0),  # has no pace
    ("cloud", 100, 11, 0.40, 0.04),
]
MISSED = 4


def played(live: LiveState, catalog: Catalog) -> list[Outcome]:
    """The answers as the gateway lives them: what the live state learns, and the outcomes."""
    made = []
    for n, (name, prompt, output, first, each) in enumerate(ANSWERS):
        received = 10.0 + n
        candidate, usage = live.endpoints.by_deployment[name][0], Usage(prompt, output, 0, "upstream")
        estimate = prompt * 2  # of the prompt's tokens, before the upstream has counted
        request = live.predictions.foreseen(Request("chat", "m", True, estimate, received, n), catalog.models["m"])
        end = received + first + each * (output - 1)
        live.counters.enter(candidate, estimate, "chat", received)
        live.counters.hold(candidate, request, received)
        live.counters.committed(candidate, request, first, received, received + first)
        live.counters.answered(candidate, request, usage, received, end)
        live.counters.leave(candidate, request)
        made.append(outcome(name, received=received, first_token=received + first, finished=end, usage=usage))
    return made


def test_a_miss_is_a_miss_in_the_metrics_the_console_the_simulator_and_the_reports() -> None:
    config, live, metrics = configured(CONFIG), LiveState(), Metrics()
    catalog = compile_catalog(config, {}, CredentialRefresher())
    live.follow(catalog.topology)
    recent: deque[Outcome] = deque()
    traffic = TrafficStats(metrics, live.predictions, live.endpoints.by_deployment, recent, 0.0)
    for each in played(live, catalog):
        metrics.record(each)
        recent.append(each)
    now = traffic.now(catalog, Dropped(), 30.0)
    level = now.levels["m"]
    assert (level.streams, level.missed) == (len(ANSWERS), pytest.approx(MISSED / len(ANSWERS)))
    told = {
        instrument: value
        for instrument, _, value in readings.foretold(live)
        if instrument in (i.SLO_ANSWERS, i.SLO_MISSES)
    }
    assert told == {i.SLO_ANSWERS: len(ANSWERS), i.SLO_MISSES: MISSED}
    target, tally = service_level(config, "mine"), Tally(service_level(config, "mine"))
    past = []
    for n, (name, prompt, output, first, each) in enumerate(ANSWERS):
        arrival = Arrival(float(n), prompt, output)
        tally.arrived(arrival)
        tally.completed(arrival, 0, n, n + first, n + first + each * (output - 1))
        past.append(
            PastRequest(float(n), "m", "k", prompt, output, name, first=first, seconds=first + each * (output - 1))
        )
    history, good = History("h", past, Counter()), 1 - MISSED / len(ANSWERS)
    assert tally.result(0.0).goodput == pytest.approx(good)
    assert reality(history, {"pool"}, Tally(target), 0.0).result.goodput == pytest.approx(good)
    assert migration_report._was(history, target, Fitted(1.0, 2.0)).in_time == pytest.approx(good)


def test_spill_is_the_same_share_in_the_metrics_and_the_console() -> None:
    catalog, metrics = compile_catalog(configured(CONFIG), {}, CredentialRefresher()), Metrics()
    traffic = TrafficStats(metrics, LiveState().predictions, {}, deque(), 0.0)
    for each in (outcome(), outcome("cloud"), outcome("cloud", status=500), outcome("cloud", status=429)):
        metrics.record(each)
    told = {instrument: value for instrument, _, value in readings.spill(catalog, metrics)}
    assert told == {i.SPILLABLE: 2, i.SPILLED: 1}
    assert traffic.now(catalog, Dropped(), 30.0).spill == {"m": 0.5}


ENGINES = """
deployments:
  vllm: {provider: vllm, model: m, endpoints: ["http://127.0.0.1:1"]}
  sglang: {provider: sglang, model: m, endpoints: ["http://127.0.0.1:2"]}
  tgi: {provider: tgi, model: m, endpoints: ["http://127.0.0.1:3"]}
  llama: {provider: llama_cpp, model: m, endpoints: ["http://127.0.0.1:4"]}
  ollama: {provider: ollama, model: m, endpoints: ["http://127.0.0.1:5"]}
  embedded: {provider: embedded, model: m}
  rented: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:6/v1", cost: {per_hour: 3}}
  stands_for_a_cloud: {provider: embedded, model: m, price: {input: 1, output: 2}}
  bought: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:7/v1", price: {input: 1, output: 2}}
  unpriced: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:8/v1"}
models:
  m: {deployments: [[vllm, sglang, tgi, llama, ollama, embedded, rented, stands_for_a_cloud, bought, unpriced]]}
"""
PURCHASED = {"stands_for_a_cloud", "bought", "unpriced"}


def test_an_sglang_tgi_llama_cpp_or_ollama_pool_is_simulated_as_engines_with_a_queue_and_not_as_a_cloud() -> None:
    config, trace = configured(ENGINES), Trace("t", [Arrival(0.0, 100, 10)], 16)
    embedded = {"embedded": ["http://e"], "stands_for_a_cloud": ["http://c"]}
    gateways = compile_catalog(config, embedded, CredentialRefresher())
    live = LiveState()
    compile_pool(config, live, Options(replicas=2), "order")
    made = upstreams(live, trace, Options(), Agenda())
    for name, deployment in gateways.topology.deployments.items():
        own, simulated = name not in PURCHASED, live.endpoints.by_deployment[name]
        assert {each.own for each in (deployment, *(c.deployment for c in simulated))} == {own}, name
        assert {type(place) for id, place in made.items() if id[0] == name} == {OwnReplica if own else Cloud}, name
        assert len(simulated) == (2 if own else 1), name
