"""The list of providers: each is one file, and says nothing that the rest of the program could not read."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

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


def test_descriptors_speak_of_families_features_and_keys_there_are() -> None:
    for each in PROVIDERS:
        assert each.families | each.translated <= ALL_FAMILIES, each.name
        assert each.features <= ALL, each.name
        assert each.keys <= set(Deployment.__struct_fields__), each.name
        assert not re.search(r"{(?!(root|region|project)})", each.base_url), each.name


def test_engines_of_the_user_s_are_probed_and_have_no_list_price() -> None:
    for each in PROVIDERS:
        assert each.self_hosted == bool(each.health), each.name
        assert not (each.self_hosted and (each.base_url or each.prices or each.metered)), each.name


def test_litellm_s_names_mean_one_provider() -> None:
    prefixes = Counter(prefix for provider in PROVIDERS for prefix in provider.litellm.prefixes)
    assert set(prefixes.values()) == {1}


def test_an_endpoint_s_secrets_do_not_show() -> None:
    assert "canary" not in repr(Endpoint(root="http://h", model="m", native=frozenset(), api_key="canary"))


def test_reading_a_configuration_imports_no_cloud_s_library() -> None:
    code = "import sys, gateway.config; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"botocore", "cryptography", "httptools", "asyncio", "ssl", "genai_prices"} & set(loaded)
