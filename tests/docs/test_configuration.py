"""The page about configuration is true: its example loads, its messages are said, and it leaves out no key."""

import re
from pathlib import Path

import pytest

from backends.providers import PROVIDERS
from gateway.config import ConfigError, load
from gateway.config.deployment import Deployment, Model
from gateway.config.names import PRESETS
from gateway.config.not_yet import TABLE
from gateway.config.schema import Admin, Config, Key, Server, Telemetry
from policies.load.breaker import BreakerRules
from policies.vocabulary.limits import RetryRules, Timeouts
from tests.contracts.serving import configured

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
STRUCTS = (Config, Server, Admin, Key, Telemetry, Deployment, Model, Timeouts, RetryRules, BreakerRules)


def test_the_example_is_valid() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert configured(example).models["my-model"].tiers == [["pool"]]


def test_the_messages_are_what_is_said(tmp_path: Path) -> None:
    file = tmp_path / "cloverleaf.yaml"
    file.write_text("""
server:
  prot: 80

deployments:
  pool: {provider: vllm, model: m, endpoints: [http://127.0.0.1:8000]}
models:
  fast:
    deployments: [poll]
""")
    with pytest.raises(ConfigError) as caught:
        load(file, {})
    said = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
    assert said == re.findall(r"^cloverleaf.yaml:.*", PAGE, re.MULTILINE)


def test_every_key_is_named() -> None:
    keys = {key for struct in STRUCTS for key in struct.__struct_fields__}
    assert not [key for key in keys if not re.search(rf"\b{key}\b", PAGE)]


def test_every_provider_and_preset_in_service_is_named() -> None:
    names = (provider.name for provider in PROVIDERS)
    assert not [word for word in (*names, *PRESETS) if f"`{word}`" not in PAGE]


def test_everything_still_to_come_is_named_as_such() -> None:
    later = " ".join(text for text in re.split(r"\n\n|\n\|", PAGE) if "*later" in text.lower())
    assert not [row.pattern for row in TABLE if not re.search(rf"\b{row.pattern.split('.')[-1]}\b", later)]
