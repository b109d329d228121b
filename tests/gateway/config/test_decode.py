"""Every slip in a value is said on its line, all of them at once, and no secret is said."""

import pytest


def test_every_problem_is_said_at_once(refuse):
    assert refuse("""
server:
  prot: 80
  port: http
  drain: 30
auth: {keys: [{name: a b, key: k}]}
deployments:
  pool:
    provider: vlm
    model: 7
  cloud: {provider: openai}
models:
  m: {deployments: pool, timeouts: {ttft: fast}}
telemetry: {log: verbose, traces: 5}
""") == [
        'c.yaml:3: server.prot: unknown key; did you mean "port"?',
        "c.yaml:4: server.port: expected a whole number, got text",
        "c.yaml:5: server.drain: expected text, got a number: write it like 5s, 250ms or 2m",
        "c.yaml:6: auth.keys[0].name: not a name: write it like llama-gpu (letters, digits and . _ - : / @ +)",
        'c.yaml:9: deployments.pool.provider: unknown word "vlm"; did you mean "vllm"?',
        "c.yaml:10: deployments.pool.model: expected text, got a number: put it in quotes",
        "c.yaml:11: deployments.cloud.model: missing",
        "c.yaml:13: models.m.deployments: expected a list, got text",
        "c.yaml:13: models.m.timeouts.ttft: not a duration: write it like 5s, 250ms or 2m",
        'c.yaml:14: telemetry.log: unknown word "verbose" (one of: debug, error, info, off, warning)',
        "c.yaml:14: telemetry.traces: expected text, got a number: write it like 20%",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("server", "[]", "server: expected a mapping, got a list"),
        ("server", "{port: 70000}", "server.port: must be at most 65535"),
        ("server", "{port: -1}", "server.port: must be at least 0"),
        ("server", "{port: 1.5}", "server.port: expected a whole number, got a number"),
        ("server", "{port: true}", "server.port: expected a whole number, got true or false"),
        ("server", "{port: ~}", "server.port: has no value"),
        ("server", "{host: 0}", "server.host: expected text, got a number"),
        ("server", "{max_body: 0}", "server.max_body: must be more than 0"),
        ("server", "{tls: {cert: x}}", "server.tls.key: missing"),
        ("server", "{cors: [example.com]}", "server.cors[0]: not an origin"),
        ("state", "{url: 'mysql://x'}", "state.url: not a state URL"),
        ("defaults", "{timeouts: {ttft: 0s}}", "defaults.timeouts.ttft: must be more than 0"),
        ("defaults", "{retry: {budget: 120%}}", "defaults.retry.budget: must be at most 1"),
        ("defaults", "{hedge: {enabled: no}}", "defaults.hedge.enabled: expected true or false, got text"),
        ("defaults", "{recovery: [continu]}", 'defaults.recovery[0]: unknown word "continu"; did you mean "continue"?'),
        ("prices", "{m: {input: -1, output: 1}}", "prices.m.input: must be at least 0"),
        ("prices", "{m: {input: 1e999, output: 1}}", "prices.m.input: expected a number that is finite"),
        ("policies", "{p: {kind: slo_costs}}", 'policies.p.kind: unknown word "slo_costs"; did you mean "slo_cost"?'),
        ("policies", "{p: {filters: [{kind: health}]}}", 'unknown word "health"; did you mean "healthy"?'),
        ("policies", "{p: {kind: slo_cost, slo: {quantile: 95}}}", "policies.p.slo.quantile: must be less than 1"),
        ("routes", "[{match: {}}]", "routes[0].name: missing"),
        ("routes", "[{name: a, match: {headers: {'x y': z}}}]", "routes[0].match.headers.x y: not a header name"),
        ("telemetry", "{ledger: ''}", "telemetry.ledger: is empty"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_by_its_path(refuse, small, key, value, message):
    (said,) = (line for line in refuse(f"{key}: {value}\n{small}") if "not supported yet" not in line)
    assert said.startswith("c.yaml:1: ")
    assert message in said


@pytest.mark.parametrize(
    "url",
    [
        "gpu-1:8000",
        "ftp://gpu-1",
        "http://",
        "http://gpu-1:8000/v1",
        "http://u:p@gpu-1",
        "http://gpu-1:99999",
        "http://[::1",
    ],
)
def test_an_endpoint_is_the_root_of_a_server(refuse, url):
    said = refuse(
        f"deployments:\n  a: {{provider: vllm, model: m, endpoints: ['{url}']}}\nmodels: {{m: {{deployments: [a]}}}}\n"
    )
    assert len(said) == 1
    assert said[0].startswith("c.yaml:2: deployments.a.endpoints[0]: not ")


def test_what_was_substituted_is_read_as_the_kind_it_stands_for(accept, small):
    config = accept(
        f'server: {{port: "${{P}}", drain: "${{D}}"}}\ntelemetry: {{log: "${{L}}"}}\n{small}',
        {"P": "81", "D": "1s", "L": "off"},
    )
    assert (config.server.port, config.server.drain, config.telemetry.log) == (81, 1.0, "off")


def test_nothing_that_was_substituted_is_ever_said(refuse):
    text = """
server: {port: "${S}", host: "${S}", drain: "${S}", tls: "${S}", cors: ["${S}"], max_body: "x${S}"}
admin: "${S}"
auth: {keys: ["${S}", {name: "${S}", key: {x: "${S}"}, key_sha256: "${S}", models: "${S}"}]}
state: {url: "${S}"}
defaults: {retry: {attempts: "${S}", budget: "${S}"}, hedge: {enabled: "${S}"}, recovery: ["${S}"]}
deployments:
  a: {provider: "${S}", model: m, endpoints: ["${S}", "${U}"], base_url: "${S}", api_key: ["${S}"]}
models:
  m: {deployments: ["${S}"], policy: "${S}", fallbacks: ["${S}"], aliases: ["${S}"]}
  k: {deployments: [a, "${T}"], policy: "${T}", fallbacks: ["${T}"], aliases: ["${T}", "${T}"]}
policies: {p: {kind: "${S}", pick: {kind: "${S}"}}}
telemetry: {log: "${S}", traces: "${S}"}
"""
    said = "\n".join(refuse(text, {"S": "canary! sk-é\n", "T": "canary-2", "U": "http://canary[\uff0f:x"}))
    assert "models.k.policy" in said
    assert "telemetry.traces" in said
    assert "canary" not in said


@pytest.mark.parametrize("value", ["", " blank", "line\\nbreak", "schlüssel", "\\t"])
def test_a_secret_that_cannot_travel_in_a_header_is_refused_unseen(refuse, small, value):
    (said,) = refuse(f'admin: {{token: "{value}"}}\n{small}')
    assert said.startswith("c.yaml:1: admin.token: ")
    assert "schlüssel" not in said
    assert "break" not in said.replace("line break", "")


def test_a_number_for_a_secret_is_not_repeated(refuse, small):
    assert refuse(f"admin: {{token: 12345}}\n{small}") == [
        "c.yaml:1: admin.token: expected text, got a number: put it in quotes"
    ]


def test_header_names_are_the_same_in_any_case(refuse):
    said = refuse("""
deployments:
  a: {provider: openai, model: m, headers: {X-A: one, x-a: two}}
models: {m: {deployments: [a]}}
""")
    assert said == ["c.yaml:3: deployments.a.headers.x-a: given twice"]


def test_a_section_with_nothing_under_it_is_its_defaults(accept, small):
    assert accept(f"server:\nauth:\n  keys:\nroutes:\npolicies:\n{small}") == accept(small)


def test_a_slip_in_an_entry_hides_what_only_follows_from_it(refuse):
    said = refuse("""
deployments:
  a: {provider: openai_compatible, model: m, base_ulr: "http://x/v1"}
models: {m: {deployments: [a]}}
""")
    assert said == ['c.yaml:3: deployments.a.base_ulr: unknown key; did you mean "base_url"?']
