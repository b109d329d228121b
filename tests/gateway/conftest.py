"""A configuration on disk, its environment, and the lines that are said about it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config import Config, ConfigError, load

ENVIRON = {
    "PORT": "9090",
    "ADMIN_TOKEN": "canary-admin",
    "WEB_KEY": "canary-web",
    "POOL_KEY": "canary-pool",
    "TEAM": "canary-team",
    "OPENAI_KEY": "canary-openai",
    "AWS_SECRET": "canary-aws",
    "AWS_SESSION": "canary-session",
    "ENTRA_SECRET": "canary-entra",
    "GOOGLE_ACCOUNT": '{"type":"authorized_user","client_id":"c","client_secret":"g","refresh_token":"r"}',
}
SMALL = """
deployments:
  pool: {provider: vllm, model: m, endpoints: [http://127.0.0.1:8000]}
  cloud: {provider: openai, model: gpt-4o-mini}
models:
  m: {deployments: [pool, cloud]}
"""

Say = Callable[..., list[str]]


@pytest.fixture
def small() -> str:
    """The smallest configuration worth having."""
    return SMALL


@pytest.fixture
def environ() -> dict[str, str]:
    return dict(ENVIRON)


@pytest.fixture
def sample() -> str:
    """A configuration with every key, and marks on the lines whose feature is still to come."""
    return (Path(__file__).parent / "config" / "sample.yaml").read_text()


@pytest.fixture
def accept(tmp_path: Path) -> Callable[..., Config]:
    """Load text that must be right."""

    def accept(text: str, environ: dict[str, str] = ENVIRON) -> Config:
        path = tmp_path / "c.yaml"
        path.write_text(text)
        return load(path, environ)

    return accept


@pytest.fixture
def refuse(tmp_path: Path) -> Say:
    """Load text that must be wrong, and return what is said, without the directory."""

    def refuse(text: str | bytes, environ: dict[str, str] = ENVIRON) -> list[str]:
        path = tmp_path / "c.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(ConfigError) as caught:
            load(path, environ)
        return str(caught.value).replace(f"{tmp_path}/", "").split("\n")

    return refuse
