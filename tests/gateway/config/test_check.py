"""What no single value shows: things that exclude, need or repeat each other."""

import pytest

from gateway.config.check import warnings

ABC = "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"  # the SHA-256 of abc
DIGEST = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db186d6e90"


def deployments(body: str) -> str:
    return f"deployments:\n  a: {{model: m, {body}}}\nmodels: {{m: {{deployments: [a]}}}}\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("provider: vllm", "endpoints: missing: a vllm deployment lists the roots of its servers"),
        ("provider: vllm, endpoints: []", "endpoints: missing: a vllm deployment lists the roots of its servers"),
        ("provider: openai_compatible", "base_url: missing: an openai_compatible deployment says where its API is"),
        ("provider: vllm, endpoints: ['http://x'], base_url: 'http://x/v1'", "base_url: is not for provider vllm"),
        ("provider: openai, endpoints: ['http://x']", "endpoints: is not for provider openai, only for vllm"),
        ("provider: openai, scrape: 1s", "scrape: is not for provider openai, only for vllm, embedded, sglang"),
        ("provider: sglang", "endpoints: missing: a sglang deployment lists the roots of its servers"),
        ("provider: ollama, endpoints: ['http://x'], base_url: 'http://x'", "base_url: is not for provider ollama"),
        ("provider: azure, api_key: k", "base_url: missing: an azure deployment says where its API is"),
        ("provider: azure, base_url: 'http://x'", "api_key: an azure deployment needs api_key or entra, one of"),
        ("provider: bedrock", "region: missing: neither the deployment nor AWS_REGION says which"),
        (
            "provider: bedrock, region: r, api_key: k, aws: {access_key_id: a, secret_access_key: b}",
            "aws: is a credential, and so is api_key: give one of the two",
        ),
        ("provider: groq, region: r", "region: is not for provider groq, only for bedrock"),
        ("provider: openai, api_version: v", "api_version: is not for provider openai, only for azure"),
        ("provider: openai, replicas: 2", "replicas: is not for provider openai, only for embedded"),
        ("provider: openai, timeouts: {total: 1s}", "timeouts.total: is the whole request's"),
        ("provider: sglang, endpoints: ['http://x'], kv_events: 'tcp://x:1'", "kv_events: is not for provider sglang"),
        (
            "provider: vllm, endpoints: ['http://x:1', 'http://x:2'], kv_events: 'tcp://{host}:5557'",
            "kv_events: is the same for several endpoints: put {host} or {port} where they differ",
        ),
        (
            "provider: vllm, endpoints: ['http://x:8000', 'http://x:65000'], kv_events: 'tcp://{host}:1{port}'",
            "kv_events: tcp://x:165000 has no port that can be connected to",
        ),
        (
            "provider: vllm, endpoints: ['http://x'], kv_events: 'tcp://*:5557'",
            "kv_events: not an address that engines publish at: write it like tcp://{host}:5557",
        ),
        ("provider: vllm, endpoints: ['http://x'], kv_events: 'x:5557'", "kv_events: not an address that engines"),
        ("provider: embedded, api_key: k", "api_key: is not for provider embedded"),
        ("provider: embedded, headers: {x: y}", "headers: is not for provider embedded"),
        ("provider: vllm, endpoints: ['http://x:1', 'http://x:1/']", "endpoints[1]: listed twice"),
        ("provider: openai, headers: {Host: y}", "headers.host: is set by the transport itself"),
        (
            "provider: openai, api_key: k, headers: {Authorization: y}",
            "headers.authorization: is what api_key is sent in",
        ),
    ],
)
def test_a_deployment_has_the_keys_of_its_provider(refuse, body, said):
    (line,) = refuse(deployments(body))
    assert line.startswith(f"c.yaml:2: deployments.a.{said}")


@pytest.mark.parametrize(
    ("listeners", "said"),
    [
        ("server: {port: 80}\nadmin: {port: 80}", "c.yaml:2: admin.port: the same as server.port"),
        ("admin: {port: 8080}", "c.yaml:1: admin.port: the same as server.port"),
        ("admin: {host: 0.0.0.0}", "c.yaml:1: admin.token: required, because admin.host is not loopback"),
        ("admin: {host: '::'}", "c.yaml:1: admin.token: required, because admin.host is not loopback"),
        ("defaults: {retry: {base: 2s, cap: 1s}}", "c.yaml:1: defaults.retry.base: is longer than cap"),
    ],
)
def test_listeners_and_limits_do_not_contradict_each_other(refuse, small, listeners, said):
    (line,) = refuse(f"{listeners}\n{small}")
    assert line.startswith(said)


def test_two_free_ports_are_not_the_same_port(accept, small):
    assert accept(f"server: {{port: 0}}\nadmin: {{port: 0, host: 127.9.9.9}}\n{small}").admin.port == 0


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("[{name: a}]", "auth.keys[0]: needs key or key_sha256"),
        (f"[{{name: a, key: b, key_sha256: {DIGEST}}}]", "auth.keys[0]: needs key or key_sha256"),
        ("[{name: a, key_sha256: abc}]", "auth.keys[0].key_sha256: not a SHA-256 digest"),
        ("[{name: a, key: k}, {name: a, key: l}]", "auth.keys[1].name: names an earlier key too"),
        ("[{name: a, key: k}, {name: b, key: k}]", "auth.keys[1]: the same key as an earlier one"),
        (f"[{{name: a, key: abc}}, {{name: b, key_sha256: {ABC}}}]", "auth.keys[1]: the same key as an earlier one"),
    ],
)
def test_a_key_is_given_once_and_in_one_way(refuse, small, keys, said):
    (line,) = refuse(f"auth: {{keys: {keys}}}\n{small}")
    assert line.startswith(f"c.yaml:1: {said}")
    assert "key k" not in line


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("{}", "policies.p: needs kind, or scorers and pick"),
        ("{kind: order, sample: 2}", "policies.p.kind: names a preset: leave out"),
        ("{kind: order, slo: {ttft: 1s}}", "policies.p.slo: is for kind slo_cost, or a composition with the scorer"),
        ("{kind: order, strict: true}", "policies.p.strict: is for kind slo_cost, or a composition with the scorer"),
        ("{kind: order, difficulty: {}}", "policies.p.difficulty: is for kind quality, or a composition with the"),
        (
            "{scorers: [{kind: cost}], slo: {}}",
            "policies.p.slo: is for kind slo_cost, or a composition with the scorer",
        ),
        (
            "{kind: quality, difficulty: {weights: {bias: 1}, classifier: 'math:exp'}}",
            "policies.p.difficulty: classifier",
        ),
        ("{filters: [{kind: tagged}]}", "policies.p.filters[0]: kind tagged needs any or all"),
        ("{filters: [{kind: tagged, any: [a b]}]}", "policies.p.filters[0].any[0]: not a name: write it like"),
        ("{filters: [{kind: within_price}]}", "policies.p.filters[0]: kind within_price needs input or output"),
        ("{filters: [{kind: healthy, any: [a]}]}", "policies.p.filters[0].any: is for kind tagged, not healthy"),
        (
            "{filters: [{kind: capable, input: 1}]}",
            "policies.p.filters[0].input: is for kind within_price, not capable",
        ),
        ("{filters: [{any: [a]}]}", "policies.p.filters[0].kind: missing"),
        ("{scorers: [{kind: cost, quantile: 0.5}]}", "policies.p.scorers[0].quantile: is for kind hot_cold, not cost"),
        (
            "{scorers: [{kind: cost, wieght: 2}]}",
            "policies.p.scorers[0].wieght: unknown key for kind cost; did you mean",
        ),
        (
            "{scorers: [{kind: slo_cost, slo: {ttft: 1}}]}",
            "policies.p.scorers[0].slo.ttft: expected text, got a number",
        ),
        ("{pick: {kind: best, temperature: 1}}", "policies.p.pick.temperature: is for kind softmax, not best"),
        ("{pick: {kind: softmax, temperature: 0}}", "policies.p.pick.temperature: must be more than 0"),
        (
            "{scorers: [{kind: quality, difficulty: {strong: [cluod]}}]}",
            'policies.p.scorers[0].difficulty.strong[0]: deployment "cluod" is not defined; did you mean "cloud"?',
        ),
    ],
)
def test_a_policy_is_a_preset_or_composed(refuse, small, policy, said):
    lines = [line for line in refuse(f"policies: {{p: {policy}}}\n{small}") if "not yet" not in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"c.yaml:1: {said}")


def test_a_public_address_without_keys_is_a_warning(accept, small):
    assert not list(warnings(accept(small)))
    (warning,) = warnings(accept(f"server: {{host: 0.0.0.0}}\n{small}"))
    assert "without auth.keys only direct loopback clients are served" in warning
    assert not list(warnings(accept(f"server: {{host: 0.0.0.0}}\nauth: {{keys: [{{name: a, key: k}}]}}\n{small}")))


@pytest.mark.parametrize(
    ("kv_events", "places"),
    [
        ("tcp://{host}:5557", ["tcp://gpu-1:5557", "tcp://[fd00::2]:5557", "tcp://gpu-3:5557"]),
        ("tcp://{host}:1{port}", ["tcp://gpu-1:18000", "tcp://[fd00::2]:18001", "tcp://gpu-3:1443"]),
        ("ipc:///run/kv-{port}", ["ipc:///run/kv-8000", "ipc:///run/kv-8001", "ipc:///run/kv-443"]),
    ],
)
def test_each_endpoint_has_its_own_publisher(accept, kv_events, places):
    urls = "['http://gpu-1:8000', 'http://[fd00::2]:8001', 'https://gpu-3']"
    text = deployments(f"provider: vllm, endpoints: {urls}, kv_events: '{kv_events}'")
    assert accept(text).deployments["a"].publishers == places
