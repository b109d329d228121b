"""The list of providers: each is one file, and says nothing that the rest of the program could not read."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import backends.providers
from backends.contract.families import ALL_FAMILIES
from backends.providers import PROVIDERS
from backends.providers.provider import Endpoint
from backends.serving.capabilities import ALL
from gateway.config.deployment import Deployment

FOLDER = Path(backends.providers.__file__).parent
PARTS = {"__init__", "provider", "adapters"}


def test_every_provider_is_one_file_and_one_name_in_the_list() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - PARTS
    assert files == {provider.name for provider in PROVIDERS}
    assert len(files) == len(PROVIDERS)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_a_descriptor_speaks_of_families_features_and_keys_there_are(provider: backends.providers.Provider) -> None:
    assert provider.families | provider.translated <= ALL_FAMILIES
    assert provider.features <= ALL
    assert provider.keys <= set(Deployment.__struct_fields__)
    assert provider.self_hosted == bool(provider.health), "engines of the user's are probed, and nothing else"
    assert not (provider.self_hosted and (provider.base_url or provider.prices or provider.metered))
    assert not re.search(r"{(?!root|region|project)", provider.base_url)


def test_litellm_s_names_mean_one_provider() -> None:
    prefixes = Counter(prefix for provider in PROVIDERS for prefix in provider.litellm.prefixes)
    assert set(prefixes.values()) == {1}


def test_an_endpoint_s_secrets_do_not_show() -> None:
    assert "canary" not in repr(Endpoint(root="http://h", model="m", native=frozenset(), api_key="canary"))


def test_reading_a_configuration_imports_no_cloud_s_library() -> None:
    code = "import sys, gateway.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"botocore", "cryptography", "httptools", "asyncio", "ssl", "genai_prices"} & set(loaded)
