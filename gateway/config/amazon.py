"""AWS's defaults: region and credentials as AWS's own tools find them.

Credentials: the deployment's ``api_key`` or ``aws``, else AWS_BEARER_TOKEN_BEDROCK, else AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY (with AWS_SESSION_TOKEN). The region: the deployment's, else AWS_REGION or AWS_DEFAULT_REGION.
"""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from msgspec import structs

from gateway.config.check import Finding
from gateway.config.clouds import Aws
from gateway.config.deployment import Deployment
from gateway.config.schema import Config
from gateway.config.secret import Secret


def with_aws(config: Config, environ: Mapping[str, str]) -> tuple[Config, list[Finding]]:
    """The configuration with its Bedrock deployments filled in, and what stands against them."""
    deployments, findings = dict(config.deployments), []
    for name, deployment in config.deployments.items():
        if "aws" in deployment.provider.auth:
            filled = deployments[name] = _filled(deployment, environ)
            findings += [(("deployments", name, *key), message) for key, message in _against(filled)]
    return structs.replace(config, deployments=deployments), findings


def _filled(deployment: Deployment, environ: Mapping[str, str]) -> Deployment:
    region = deployment.region or environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    base_url = deployment.base_url or (deployment.provider.base_url.format(region=region) if region else None)
    given = structs.replace(deployment, region=region, base_url=base_url)
    if given.api_key is not None or given.aws is not None:
        return given
    if token := environ.get("AWS_BEARER_TOKEN_BEDROCK"):
        return structs.replace(given, api_key=Secret(token))
    id, secret = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not id or not secret:
        return given
    session = environ.get("AWS_SESSION_TOKEN")
    aws = Aws(
        access_key_id=Secret(id),
        secret_access_key=Secret(secret),
        session_token=Secret(session) if session else None,
    )
    return structs.replace(given, aws=aws)


def _against(deployment: Deployment) -> Iterator[Finding]:
    if deployment.region is None:
        yield ("region",), "missing: neither the deployment nor AWS_REGION says which"
    if deployment.api_key is not None and deployment.aws is not None:
        yield ("aws",), "is a credential, and so is api_key: give one of the two"
    if find_spec("botocore") is None:
        yield ("provider",), "needs the package botocore: pip install 'cloverleaf[bedrock]'"
