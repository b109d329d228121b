"""A converted configuration passes `check`; what had no place is named, and no secret is in it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.cli import main
from gateway.config import Config, load
from gateway.litellm.convert import Conversion, text

ACCOUNT = '{"type": "metadata_server", "project_id": "p"}'
EVERYTHING = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://my-endpoint-europe.openai.azure.com/
      api_key: os.environ/AZURE_API_KEY_EU
      api_version: "2024-10-21"
      rpm: 600
    model_info: {id: eu-1, mode: chat, max_input_tokens: 128000, supports_vision: true}
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: sk-canary-1, order: 2, timeout: 60, stream_timeout: 12.5}
  - model_name: llama
    litellm_params: {model: hosted_vllm/meta-llama/Llama-3.1-8B, api_base: "http://gpu-1:8000/v1"}
  - model_name: llama
    litellm_params: {model: hosted_vllm/meta-llama/Llama-3.1-8B, api_base: "http://gpu-2:8000/v1", api_key: none}
  - model_name: claude
    litellm_params: {model: claude-sonnet-4-5, api_key: os.environ/ANTHROPIC_API_KEY, max_tokens: 4096}
  - model_name: claude
    litellm_params:
      model: bedrock/converse/us.anthropic.claude-sonnet-4-5-20250929-v1:0
      aws_access_key_id: AKIACANARY
      aws_secret_access_key: canary-secret
      aws_region_name: us-east-1
      input_cost_per_token: 0.000003
      output_cost_per_token: 0.000015
  - model_name: gemini
    litellm_params: {model: vertex_ai/gemini-2.5-pro, vertex_project: p, vertex_location: us-central1,
                     vertex_credentials: os.environ/GOOGLE_ACCOUNT}
  - model_name: mixed
    litellm_params: {model: groq/llama-3.3-70b-versatile, weight: 3}
  - model_name: mixed
    litellm_params: {model: together_ai/meta-llama/Llama-3.3-70B, max_parallel_requests: 8, tags: [eu]}
  - model_name: own-server
    litellm_params: {model: openai/anything, api_base: "http://10.0.0.5:9000/v1", api_key: sk-canary-1,
                     extra_headers: {X-Team: search, X-Api-Token: canary-header}}
  - model_name: small
    litellm_params: {model: ollama_chat/qwen3, api_base: "http://localhost:11434"}
  - model_name: "anthropic/*"
    litellm_params: {model: "anthropic/*"}
  - model_name: "*"
    litellm_params: {model: openrouter/auto}
  - model_name: pictures
    litellm_params: {model: replicate/some/model}
litellm_settings:
  drop_params: true
  request_timeout: 300
  success_callback: [langfuse]
  context_window_fallbacks: [{llama: [gpt-4o]}]
router_settings:
  routing_strategy: usage-based-routing-v2
  num_retries: 3
  allowed_fails: 2
  cooldown_time: 30
  stream_timeout: 20
  fallbacks: [{gpt-4o: [claude, nowhere]}, {claude: [gpt-4o]}]
  default_fallbacks: [mixed]
  model_group_alias: {gpt-4: gpt-4o, gpt-3.5-turbo: {model: llama, hidden: true}, lost: nowhere}
  redis_host: os.environ/REDIS_HOST
general_settings: {master_key: sk-canary-master, database_url: "postgresql://u:canary-db@h/db"}
environment_variables: {REDIS_HOST: h}
"""


def converted(written: str) -> Conversion:
    return Conversion(yaml.safe_load(written))


def checked(conversion: Conversion, tmp_path: Path) -> Config:
    """Through `check`, with every variable it names set."""
    made = text(conversion, "config.yaml")
    (tmp_path / "ours.yaml").write_text(made)
    variables = {name: f"v-{name}" for name in re.findall(r"\$\{(\w+)\}", made)}
    return load(tmp_path / "ours.yaml", variables | {"GOOGLE_ACCOUNT": ACCOUNT, "AZURE_API_BASE": "https://a.example"})


def test_everything_that_has_a_place_is_there(tmp_path: Path) -> None:
    config = checked(converted(EVERYTHING), tmp_path)
    places = config.deployments
    assert config.models["gpt-4o"].tiers == [["gpt-4o"], ["gpt-4o-2"]], "order makes tiers"
    assert (places["gpt-4o"].provider.name, places["gpt-4o"].model, places["gpt-4o"].rpm) == ("azure", "gpt-4o-eu", 600)
    assert places["gpt-4o"].context_window == 128000 and places["gpt-4o-2"].timeouts is not None
    assert (places["gpt-4o-2"].timeouts.response, places["gpt-4o-2"].timeouts.ttft) == (60.0, 12.5)
    assert places["llama"].endpoints == ["http://gpu-1:8000", "http://gpu-2:8000"], "one pool of two engines"
    assert places["claude-2"].model == "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert places["claude-2"].price is not None and places["claude-2"].price.output == pytest.approx(15.0)
    assert (places["gemini"].region, places["gemini"].project) == ("us-central1", "p")
    assert config.models["mixed"].tiers == [["mixed", "mixed-2"]] and config.models["mixed"].policy == "least_busy"
    assert (places["mixed"].weight, places["mixed-2"].max_concurrency, places["mixed-2"].tags) == (3, 8, ["eu"])
    assert (places["own-server"].provider.name, places["small"].endpoints) == (
        "openai_compatible",
        ["http://localhost:11434"],
    )
    assert config.models["*"].tiers == [["any"]] and places["any"].provider.name == "openrouter"
    assert {place.unsupported for place in places.values()} == {"drop"}
    defaults = config.defaults
    assert (defaults.retry.attempts, defaults.breaker.failures, defaults.breaker.open_for) == (3, 3, 30.0)
    assert (defaults.timeouts.total, defaults.timeouts.ttft) == (300.0, 20.0)
    assert config.models["gpt-4o"].fallbacks == ["claude"] and config.models["llama"].fallbacks == ["mixed"]
    assert config.models["llama"].context_window_fallbacks == ["gpt-4o"]
    assert (config.models["gpt-4o"].aliases, config.models["llama"].aliases) == (["gpt-4"], ["gpt-3.5-turbo"])
    assert [key.name for key in config.auth.keys] == ["master"]


def test_what_has_no_place_is_named(tmp_path: Path) -> None:
    notes = "\n".join(converted(EVERYTHING).notes)
    for said in (
        'model_list[11].model_name: "anthropic/*" cannot be',
        "model_list[13].litellm_params.model: replicate/some/model: the provider is not known here",
        "model_list[0].model_info.supports_vision: has no place here",
        "model_list[4].litellm_params.max_tokens: has no place here",
        "fallbacks: nowhere is not defined",
        "model_group_alias.lost: cannot stand for nowhere",
        "usage-based-routing-v2 becomes least_busy",
        "litellm_settings.success_callback: has no place here",
        "router_settings.redis_host: has no place here",
        "general_settings.database_url: has no place here",
        "environment_variables: has no place here",
        "general_settings.master_key: stood in the file itself; put it into the environment as LITELLM_MASTER_KEY",
    ):
        assert said in notes, said


def test_no_secret_is_copied_and_one_key_is_one_variable() -> None:
    conversion = converted(EVERYTHING)
    made = text(conversion, "config.yaml")
    assert "canary" not in made.lower() and "canary" not in "\n".join(conversion.notes).lower()
    deployments: dict[str, Any] = conversion.made["deployments"]
    assert deployments["gpt-4o-2"]["api_key"] == deployments["own-server"]["api_key"] == "${OPENAI_API_KEY}"
    assert deployments["own-server"]["headers"] == {"x-team": "search", "x-api-token": "${X_API_TOKEN}"}


@pytest.mark.parametrize(
    ("model", "more", "provider", "name"),
    [
        ("gpt-4o-mini", "", "openai", "gpt-4o-mini"),
        ("o3", "", "openai", "o3"),
        ("text-completion-openai/gpt-3.5-turbo-instruct", "", "openai", "gpt-3.5-turbo-instruct"),
        ("claude-3-5-haiku-latest", "", "anthropic", "claude-3-5-haiku-latest"),
        ("gemini/gemini-2.5-flash", "", "gemini", "gemini-2.5-flash"),
        ("fireworks_ai/accounts/fireworks/models/x", "", "fireworks", "accounts/fireworks/models/x"),
        ("cerebras/llama3.1-8b", "", "cerebras", "llama3.1-8b"),
        ("baseten/abc", "", "baseten", "abc"),
        ("openrouter/openai/gpt-4o", "", "openrouter", "openai/gpt-4o"),
        ("mistral/mistral-small", "", "mistral", "mistral-small"),
        ("deepseek/deepseek-chat", "", "deepseek", "deepseek-chat"),
        ("xai/grok-4", "", "xai", "grok-4"),
        ("azure/my-deployment", "", "azure", "my-deployment"),
        ("bedrock/amazon.nova-lite-v1:0", ", aws_region_name: us-east-1, aws_access_key_id: os.environ/A, "
         "aws_secret_access_key: os.environ/B", "bedrock", "amazon.nova-lite-v1:0"),
        ("huggingface/tgi", ', api_base: "http://h:8080"', "tgi", "tgi"),
        ("lm_studio/q", ', api_base: "http://h:1234/v1"', "lm_studio", "q"),
        ("some-model", ", custom_llm_provider: groq", "groq", "some-model"),
        ("unheard/of", ', api_base: "http://h:1/v1", api_key: x', "openai_compatible", "of"),
    ],
)  # fmt: skip
def test_the_common_providers_pass_check(model: str, more: str, provider: str, name: str, tmp_path: Path) -> None:
    written = f'model_list: [{{model_name: m, litellm_params: {{model: "{model}"{more}}}}}]'
    place = checked(converted(written), tmp_path).deployments["m"]
    assert (place.provider.name, place.model) == (provider, name)


@pytest.mark.parametrize(
    "strategy", ["simple-shuffle", "least-busy", "latency-based-routing", "cost-based-routing", "odd"]
)
def test_every_strategy_becomes_a_policy(strategy: str, tmp_path: Path) -> None:
    two = "{model_name: m, litellm_params: {model: gpt-4o}}, {model_name: m, litellm_params: {model: groq/x}}"
    config = checked(converted(f"model_list: [{two}]\nrouter_settings: {{routing_strategy: {strategy}}}"), tmp_path)
    assert config.models["m"].policy in ("weighted", "least_busy", "lowest_latency", "lowest_cost")


def test_the_command_writes_a_file_that_passes_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text('model_list: [{model_name: m, litellm_params: {model: "gpt-4o", seed: 7}}]')
    output = tmp_path / "ours.yaml"
    assert main(["import", "litellm", str(tmp_path / "config.yaml"), "--output", str(output)]) == 0
    assert "note: model_list[0].litellm_params.seed: has no place here" in capsys.readouterr().err
    assert "#   model_list[0].litellm_params.seed" in output.read_text()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    assert main(["check", str(output)]) == 0
    assert main(["import", "litellm", str(tmp_path / "config.yaml")]) == 0
    assert "provider: openai" in capsys.readouterr().out


def test_a_price_that_is_none_is_left_out_and_named() -> None:
    params = {"model": "gpt-4o", "input_cost_per_token": "cheap", "output_cost_per_token": "1e-6"}
    made = Conversion({"model_list": [{"model_name": "m", "litellm_params": params}]})
    assert made.made["deployments"]["m"]["price"] == {"input": 0.0, "output": 1.0}
    assert made.notes == ["model_list[0].input_cost_per_token: 'cheap' is no price; left out"]


@pytest.mark.parametrize(
    "params",
    [
        {"api_base": "https://me:canary@h/v1"},
        {"api_base": "http://h/v1", "extra_headers": {"Cookie": "canary", "X-Password": "canary2"}},
    ],
)
def test_a_secret_in_an_odd_place_is_not_copied_either(params: dict[str, Any]) -> None:
    made = Conversion({"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/x", **params}}]})
    assert "canary" not in text(made, "config.yaml") and "stood in the file itself" in "".join(made.notes)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("model_list: [", ":1: not YAML"),
        ("a: 1", "model_list: missing"),
        ("[1]", "model_list: missing"),
        ("model_list: [{litellm_params: {}}]", "model_list[0]: missing: `model_name`"),
        ("model_list: [7]", "model_list[0]: Expected"),
        ("model_list: [{model_name: m, litellm_params: x}]", "model_list[0].litellm_params: Expected"),
        ("model_list: [{model_name: m, model_info: [1]}]", "model_list[0].model_info: Expected"),
        (
            "model_list: [{model_name: m, litellm_params: {model: gpt-4o, input_cost_per_token: {a: 1}}}]",
            "model_list[0].litellm_params.input_cost_per_token: Expected",
        ),
        (
            "model_list: [{model_name: m, litellm_params: {model: hosted_vllm/x, api_base: [1]}}]",
            "model_list[0].litellm_params.api_base: Expected",
        ),
        ("model_list: [{model_name: m, litellm_params: {model: replicate/x}}]", "nothing in it has a place here"),
        ("model_list: []\nrouter_settings: 7", "router_settings: Expected"),
        ("model_list: []\nrouter_settings: {model_group_alias: [a]}", "router_settings.model_group_alias: Expected"),
        ("model_list: []\nrouter_settings: {routing_strategy: [a]}", "router_settings.routing_strategy: Expected"),
        ("model_list: []\nlitellm_settings: {fallbacks: 7}", "litellm_settings.fallbacks: Expected"),
        ("", "model_list: missing"),
    ],
)
def test_what_is_no_configuration_of_litellm_is_one_line(
    written: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.yaml").write_text(written)
    assert main(["import", "litellm", str(tmp_path / "config.yaml")]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1 and err.startswith(str(tmp_path / "config.yaml"))


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "litellm", str(tmp_path / "none.yaml")]) == 2
    assert "No such file" in capsys.readouterr().err
