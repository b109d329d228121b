"""What a deployment of the configuration serves, and the adapter of each of its endpoints, by its provider."""

from backends.contract.adapter import Adapter
from backends.contract.credentials import AwsKeys, EntraApplication
from backends.providers.provider import AdapterDeps, Endpoint
from backends.serving.client_apis import TRANSLATED
from gateway.config.clouds import Aws, Entra
from gateway.config.deployment import Deployment
from gateway.config.secret import Secret


def native(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that the upstream answers itself."""
    return deployment.provider.families.union(deployment.native)


def families(deployment: Deployment) -> frozenset[str]:
    """The endpoint families that are served."""
    return native(deployment).union(TRANSLATED, deployment.provider.translated)


def features(deployment: Deployment) -> frozenset[str]:
    """What the deployment can be asked for, in the words of backends/serving/capabilities.py."""
    return deployment.provider.features.difference(deployment.lacks)


def account(deployment: Deployment) -> str:
    """What tells its credential from others: the key, or the account's name."""
    if deployment.aws is not None:
        return deployment.aws.access_key_id.reveal()
    if deployment.entra is not None:
        return f"{deployment.entra.tenant}/{deployment.entra.client_id}"
    return _clear(deployment.api_key or deployment.credentials)


def adapter(deployment: Deployment, root: str, deps: AdapterDeps) -> Adapter:
    """What speaks to one endpoint of a checked deployment."""
    endpoint = Endpoint(
        root=root,
        model=deployment.model,
        native=native(deployment),
        headers={name: secret.reveal() for name, secret in deployment.headers.items()},
        api_key=_clear(deployment.api_key),
        aws=_aws(deployment.aws),
        entra=_entra(deployment.entra),
        google_account=_clear(deployment.credentials),
        project=deployment.project or "",
        region=deployment.region or "",
        api_version=deployment.api_version or "",
        steering=tuple(deployment.steering),
        drop=deployment.unsupported == "drop",
    )
    return deployment.provider.make(deployment.provider, endpoint, deps)


def _clear(secret: Secret | None) -> str:
    return secret.reveal() if secret is not None else ""


def _aws(aws: Aws | None) -> AwsKeys | None:
    if aws is None:
        return None
    return AwsKeys(aws.access_key_id.reveal(), aws.secret_access_key.reveal(), _clear(aws.session_token))


def _entra(entra: Entra | None) -> EntraApplication | None:
    if entra is None:
        return None
    secret = entra.client_secret.reveal()
    return EntraApplication(entra.authority, entra.tenant, entra.client_id, secret, entra.scope)
