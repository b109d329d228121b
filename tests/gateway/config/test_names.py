"""Every name that is used is defined, and no two things answer to one name."""

import pytest

BASE = """
deployments:
  pool: {provider: vllm, model: m, endpoints: [http://127.0.0.1:8000]}
  cloud: {provider: openai, model: gpt-4o-mini}
policies: {spread: {kind: power_of_two}}
models:
  mini: {deployments: [cloud], aliases: [small]}
"""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{deployments: [pol]}", 'm.deployments[0]: deployment "pol" is not defined; did you mean "pool"?'),
        ("{deployments: [cloud, [pool, zz]]}", 'm.deployments[1][1]: deployment "zz" is not defined (one of: pool, '),
        ("{deployments: []}", "m.deployments: is empty: name at least one deployment"),
        ("{deployments: [[]]}", "m.deployments[0]: is empty: name at least one deployment"),
        ("{deployments: [pool, [cloud, pool]]}", "m.deployments[1][1]: listed twice"),
        ("{deployments: [pool], policy: spred}", 'm.policy: policy "spred" is not defined; did you mean "spread"?'),
        ("{deployments: [pool], policy: prefx}", 'm.policy: policy "prefx" is not defined; did you mean "prefix"?'),
        ("{deployments: [pool], fallbacks: [m]}", "m.fallbacks[0]: a model cannot be its own fallback"),
        ("{deployments: [pool], fallbacks: [mini, mini]}", "m.fallbacks[1]: listed twice"),
        ("{deployments: [pool], fallbacks: [minni]}", 'model "minni" is not defined; did you mean "mini"?'),
        ("{deployments: [pool], fallbacks: [pool]}", 'm.fallbacks[0]: model "pool" is not defined'),
        ("{deployments: [pool], context_window_fallbacks: [small]}", '"small" is an alias: name the model, "mini"'),
        ("{deployments: [pool], content_policy_fallbacks: [x]}", '[0]: model "x" is not defined'),
        ("{deployments: [pool], aliases: [mini]}", 'm.aliases[0]: "mini" is a model'),
        ("{deployments: [pool], aliases: [m]}", 'm.aliases[0]: "m" is a model'),
        ("{deployments: [pool], aliases: [small]}", 'm.aliases[0]: "small" is an alias of "mini" too'),
        ("{deployments: [pool], aliases: ['*']}", 'm.aliases[0]: cannot be "*"'),
    ],
)  # fmt: skip
def test_a_model_names_what_is_defined(refuse, model, said):
    (line,) = refuse(f"{BASE}  m: {model}\n")
    assert line.startswith("c.yaml:8: models.m.")
    assert said in line


def test_models_may_be_each_others_fallbacks(accept):
    text = BASE.replace("aliases: [small]", "fallbacks: [m]")
    assert accept(f"{text}  m: {{deployments: [pool], fallbacks: [mini]}}\n").models["m"].fallbacks == ["mini"]


def test_tiers_may_be_nested_and_a_catch_all_is_a_model(accept):
    config = accept(f"{BASE}  '*': {{deployments: [[pool, cloud]], policy: spread}}\n")
    assert config.models["*"].tiers == [["pool", "cloud"]]


def test_a_policy_does_not_take_a_presets_name(refuse, small):
    assert refuse(f"policies: {{order: {{kind: round_robin}}}}\n{small}") == [
        "c.yaml:1: policies.order: is the name of a preset: choose another"
    ]


def test_there_is_something_to_ask_for_and_somewhere_to_run_it(refuse):
    assert refuse("server: {}\n") == [
        "c.yaml:1: deployments: missing: define at least one deployment",
        "c.yaml:1: models: missing: define at least one model",
    ]


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("[mni]", 'auth.keys[0].models[0]: no model matches "mni"; did you mean "mini"?'),
        ("[mini, 'gpt-*']", 'auth.keys[0].models[1]: no model matches "gpt-*"'),
    ],
)
def test_a_key_grants_models_that_exist(refuse, models, said):
    (line,) = refuse(f"auth: {{keys: [{{name: a, key: k, models: {models}}}]}}\n{BASE}")
    assert line.startswith(f"c.yaml:1: {said}")


def test_a_key_may_grant_by_pattern_by_alias_and_anything_under_a_catch_all(accept):
    auth = "auth: {keys: [{name: a, key: k, models: ['mi*', small]}]}"
    assert accept(f"{auth}\n{BASE}")
    assert accept(f"auth: {{keys: [{{name: a, key: k, models: [other]}}]}}\n{BASE}  '*': {{deployments: [cloud]}}\n")


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("{name: r}", "routes[0]: needs to, split or mirror"),
        ("{name: r, to: {}}", "routes[0].to: needs model or policy"),
        ("{name: r, to: {model: mini}, split: {mini: 1}}", "routes[0]: to and split exclude each other"),
        ("{name: r, to: {model: mni}}", 'routes[0].to.model: model "mni" is not defined; did you mean "mini"?'),
        ("{name: r, to: {policy: spred}}", 'routes[0].to.policy: policy "spred" is not defined'),
        ("{name: r, split: {mini: 1, mni: 2}}", 'routes[0].split.mni: model "mni" is not defined'),
        ("{name: r, mirror: {model: mni}}", 'routes[0].mirror.model: model "mni" is not defined'),
        (
            "{name: r, to: {model: mini}}, {name: r, to: {model: mini}}",
            "routes[1].name: is also the name of an earlier route",
        ),
    ],
)
def test_a_route_goes_where_something_is(refuse, route, said):
    lines = [line for line in refuse(f"routes: [{route}]\n{BASE}") if "not supported yet" not in line]
    assert len(lines) == 1
    assert lines[0].startswith(f"c.yaml:1: {said}")


def test_a_name_whose_entry_has_a_slip_is_still_defined(refuse):
    said = refuse(f"{BASE}  m: {{deployments: [pool]}}\n".replace("provider: vllm", "provider: vlm"))
    assert len(said) == 1
    assert "deployments.pool.provider" in said[0]
