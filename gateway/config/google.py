"""Google's defaults: credentials and project as Google's own tools find them.

Application default credentials: the file that GOOGLE_APPLICATION_CREDENTIALS names, else the login that gcloud keeps,
else the metadata server of Google's own machines.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from msgspec import structs

from backends.auth.google_account import METADATA_HOST, METADATA_SERVER, Account, read_account
from backends.dialects.google.address import vertex_root
from gateway.config.check import Finding
from gateway.config.deployment import Deployment
from gateway.config.schema import Config
from gateway.config.secret import Secret
from gateway.config.substitute import contents

LOGIN = "application_default_credentials.json"


def with_google(config: Config, environ: Mapping[str, str]) -> tuple[Config, list[Finding]]:
    """The configuration with its Vertex deployments filled in, and what stands against them."""
    deployments, findings = dict(config.deployments), []
    for name, deployment in config.deployments.items():
        if "credentials" in deployment.provider.auth:
            filled, found = _filled(deployment, environ)
            deployments[name] = _addressed(filled)
            findings += [(("deployments", name, *key), message) for key, message in found]
    return structs.replace(config, deployments=deployments), findings


def _filled(deployment: Deployment, environ: Mapping[str, str]) -> tuple[Deployment, list[Finding]]:
    given = structs.replace(deployment, region=deployment.region or "global")
    if given.api_key is not None:
        return given, list(_with_key(given))
    try:
        text = given.credentials.reveal() if given.credentials else default_account(environ)
        account = read_account(text)
        _usable(account)
    except ValueError as error:
        where = "it" if given.credentials else "what application default credentials lead to"
        return given, [(("credentials",), f"{where} {error}")]
    project = given.project or account.project_id or account.quota_project_id or environ.get("GOOGLE_CLOUD_PROJECT")
    if not project:
        return given, [(("project",), "missing: neither the credentials nor GOOGLE_CLOUD_PROJECT name one")]
    return structs.replace(given, credentials=Secret(text), project=project), []


def _addressed(deployment: Deployment) -> Deployment:
    region = deployment.region or ""
    public = deployment.provider.base_url.format(root=vertex_root(region), project=deployment.project, region=region)
    return structs.replace(deployment, base_url=deployment.base_url or public)


def _with_key(deployment: Deployment) -> Iterator[Finding]:
    """An API key belongs to a project already (Vertex AI in express mode)."""
    for key in ("credentials", "project"):
        if getattr(deployment, key) is not None:
            yield (key,), "is not for a deployment with an api_key, which says it all"


def default_account(environ: Mapping[str, str]) -> str:
    """The text of the application default credentials.

    Raises:
        ValueError: GOOGLE_APPLICATION_CREDENTIALS names no file that can be read.
    """
    named = environ.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named:
        return contents(Path(named))
    folder = environ.get("CLOUDSDK_CONFIG") or f"{environ.get('HOME', '')}/.config/gcloud"
    login = Path(folder) / LOGIN
    if login.is_file():
        return contents(login)
    host = environ.get("GCE_METADATA_HOST", METADATA_HOST)
    return msgspec.json.encode({"type": METADATA_SERVER, "host": host}).decode()


def _usable(account: Account) -> None:
    """Raises ValueError where it could not sign."""
    try:
        from backends.auth.google_grants import grant
    except ImportError:
        raise ValueError("needs the package cryptography: pip install 'cloverleaf[vertex]'") from None
    grant(account)
