"""Vertex AI's configuration: who the gateway is, which project's, and where."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.config import Config
from tests.emulators.google_tokens import Tokens

VERTEX = """
deployments: {{v: {{provider: vertex, model: gemini-2.5-flash{more}}}}}
models: {{m: {{deployments: [v]}}}}
"""


@pytest.fixture
def account(tmp_path: Path) -> Path:
    tokens = Tokens()
    tokens.root = "http://127.0.0.1:1"
    path = tmp_path / "account.json"
    path.write_bytes(msgspec.json.encode(tokens.service_account()))
    return path


def test_a_file_named_in_the_configuration(account: Path, accept: Callable[..., Config]) -> None:
    made = accept(VERTEX.format(more=f', region: europe-west4, credentials: "file:{account}"')).deployments["v"]
    assert (made.project, made.region) == ("proj", "europe-west4")
    assert made.base_url == "https://europe-west4-aiplatform.googleapis.com/v1"
    assert "PRIVATE KEY" not in repr(made)


@pytest.mark.parametrize(
    ("region", "root"),
    [
        ("", "https://aiplatform.googleapis.com/v1"),
        (", region: eu", "https://aiplatform.eu.rep.googleapis.com/v1"),
        (", region: us-east1, base_url: http://127.0.0.1:9/v1", "http://127.0.0.1:9/v1"),
    ],
)
def test_where_a_region_is(region: str, root: str, account: Path, accept: Callable[..., Config]) -> None:
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": str(account)}
    assert accept(VERTEX.format(more=region), environ).deployments["v"].base_url == root


def test_googles_own_ways_of_finding_out(account: Path, tmp_path: Path, accept: Callable[..., Config]) -> None:
    def found(environ: dict[str, str]) -> Any:
        deployment = accept(VERTEX.format(more=", project: mine"), environ).deployments["v"]
        assert deployment.credentials is not None and deployment.project == "mine"
        return msgspec.json.decode(deployment.credentials.reveal())

    assert found({"GOOGLE_APPLICATION_CREDENTIALS": str(account)})["type"] == "service_account"
    login = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": "r"}
    (tmp_path / "application_default_credentials.json").write_bytes(msgspec.json.encode(login))
    assert found({"CLOUDSDK_CONFIG": str(tmp_path)})["type"] == "authorized_user"
    assert found({"HOME": "/nowhere", "GCE_METADATA_HOST": "10.0.0.1"}) == {
        "type": "metadata_server",
        "host": "10.0.0.1",
    }


def test_an_api_key_says_it_all(accept: Callable[..., Config], refuse: Callable[..., list[str]]) -> None:
    made = accept(VERTEX.format(more=", api_key: k")).deployments["v"]
    assert made.credentials is None
    assert (
        "project: is not for a deployment with an api_key" in refuse(VERTEX.format(more=", api_key: k, project: p"))[0]
    )


@pytest.mark.parametrize(
    ("more", "environ", "words"),
    [
        (", credentials: nonsense", {}, "credentials: it is not a Google credentials file"),
        (', credentials: \'{"type": "x"}\'', {}, "'x', which is not served"),
        ("", {"GOOGLE_APPLICATION_CREDENTIALS": "/no/file"}, "/no/file is not a file"),
        ("", {"HOME": "/nowhere"}, "project: missing"),
    ],
)
def test_what_is_missing_is_named(
    more: str, environ: dict[str, str], words: str, refuse: Callable[..., list[str]]
) -> None:
    assert words in "\n".join(refuse(VERTEX.format(more=more), environ))


def test_the_gemini_api_asks_for_a_key(refuse: Callable[..., list[str]]) -> None:
    said = refuse(VERTEX.format(more="").replace("vertex", "gemini"))
    assert "api_key: a gemini deployment needs api_key" in said[0]
